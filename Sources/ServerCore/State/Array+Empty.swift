extension Array {
    /// Takes all elements away and keeps the storage.
    ///
    /// One by one: for the few and plain elements of one decision that is a fraction of
    /// `removeAll(keepingCapacity:)`, which goes the long way of replacing any range. Cost: O(n).
    @inline(__always)
    mutating func empty() {
        while !isEmpty { removeLast() }
    }
}
