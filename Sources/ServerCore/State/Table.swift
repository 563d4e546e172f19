/// Records by place: an array that is never copied, and grows only when it is told to.
///
/// An array asks before each write whether it is shared; at some forty writes an event that was
/// five per cent of the core's time. A table has one owner, so it need not ask.
///
/// Cost: O(1); only `init` and `grow` allocate. Precondition of every access: the place exists.
package struct Table<Record: Sendable>: ~Copyable, @unchecked Sendable {
    // Safe: the records are reached through the table only, which has one owner at a time, and
    // Swift's rules of exclusive access hold for it as for any other value.

    /// How many records there are.
    package private(set) var count: Int
    private var start: UnsafeMutablePointer<Record>

    /// Creates `count` records that are all equal to `record`.
    package init(repeating record: Record, count: Int) {
        precondition(count >= 0)
        self.count = count
        start = .allocate(capacity: count)
        start.initialize(repeating: record, count: count)
    }

    deinit {
        start.deinitialize(count: count)
        start.deallocate()
    }

    /// Makes room for `count` records, all further ones equal to `record`; never fewer. O(count).
    package mutating func grow(to count: Int, with record: Record) {
        guard count > self.count else { return }
        let larger = UnsafeMutablePointer<Record>.allocate(capacity: count)
        larger.moveInitialize(from: start, count: self.count)
        (larger + self.count).initialize(repeating: record, count: count - self.count)
        start.deallocate()
        (start, self.count) = (larger, count)
    }

    /// All places.
    package var indices: Range<Int> { 0..<count }

    /// The record at `place`.
    package subscript(place: Int) -> Record {
        @inline(__always)
        unsafeAddress {
            precondition(place >= 0 && place < count)
            return UnsafePointer(start + place)
        }
        @inline(__always)
        unsafeMutableAddress {
            precondition(place >= 0 && place < count)
            return start + place
        }
    }

    // MARK: Looking at all of them, O(count): for control and tests

    /// The lowest place whose record satisfies `condition`.
    package func firstIndex(where condition: (Record) -> Bool) -> Int? {
        indices.first { condition(self[$0]) }
    }

    /// Whether some record satisfies `condition`.
    package func contains(where condition: (Record) -> Bool) -> Bool {
        firstIndex(where: condition) != nil
    }

    /// How many records satisfy `condition`.
    package func count(where condition: (Record) -> Bool) -> Int {
        reduce(0) { $0 + (condition($1) ? 1 : 0) }
    }

    /// The records that satisfy `condition`, in the order of their places.
    package func filter(_ condition: (Record) -> Bool) -> [Record] {
        reduce([]) { condition($1) ? $0 + [$1] : $0 }
    }

    /// `partial` with every record added by `next`, in the order of their places.
    package func reduce<Sum>(_ partial: Sum, _ next: (Sum, Record) -> Sum) -> Sum {
        var sum = partial
        for place in indices { sum = next(sum, self[place]) }
        return sum
    }
}
