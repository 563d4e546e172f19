import Glibc

/// Memory of one tensor that only grows; 64-byte aligned, as the library's kernels like it.
final class AlignedBuffer {
    /// Where it begins.
    private(set) var base: UnsafeMutableRawPointer
    /// How many bytes there are.
    private(set) var capacity: Int

    private static let alignment = 64

    /// Creates a small buffer, so that there is always an address.
    init() {
        capacity = Self.alignment
        base = .allocate(byteCount: capacity, alignment: Self.alignment)
    }

    deinit {
        base.deallocate()
    }

    /// Makes room for `byteCount` bytes; what was in it is lost when it moves.
    /// - Returns: Whether it moved.
    func reserve(_ byteCount: Int) -> Bool {
        guard byteCount > capacity else { return false }
        let rounded = (byteCount + Self.alignment - 1) / Self.alignment * Self.alignment
        base.deallocate()
        base = .allocate(byteCount: rounded, alignment: Self.alignment)
        capacity = rounded
        return true
    }
}
