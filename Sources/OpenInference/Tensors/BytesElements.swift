/// Checks a BYTES tensor in the wire's layout, piece by piece: a length of four bytes before
/// each element, nothing left over, as many elements as the shape says.
///
/// Cost: touches the lengths only.
public struct BytesElements {
    /// How many whole elements have been seen.
    public private(set) var count = 0
    /// Bytes of the present element that are still to come.
    private var rest = 0
    /// The bytes of a length that are there, and their number.
    private var length: UInt32 = 0
    private var lengthBytes = 0

    /// Creates a check that has seen nothing.
    public init() {}

    /// Takes the next piece of the tensor.
    public mutating func take(_ piece: UnsafeRawBufferPointer) {
        var position = 0
        while position < piece.count {
            if rest > 0 {
                let step = min(rest, piece.count - position)
                rest -= step
                position += step
                if rest == 0 { count += 1 }
                continue
            }
            length |= UInt32(piece[position]) << UInt32(8 * lengthBytes)
            lengthBytes += 1
            position += 1
            guard lengthBytes == 4 else { continue }
            rest = Int(length)
            (length, lengthBytes) = (0, 0)
            if rest == 0 { count += 1 }
        }
    }

    /// Takes one element whose length is known to be right.
    mutating func takeOne() { count += 1 }

    /// Whether what has been taken ends with an element's end.
    public var isWhole: Bool { rest == 0 && lengthBytes == 0 }
}

/// The bytes of a message that may lie in several pieces.
public protocol MessageBytes {
    /// Calls `visit` with the pieces of a range, in order.
    func forEachPiece(of range: Range<Int>, _ visit: (UnsafeRawBufferPointer) -> Void)
}

/// A message in one piece. The bytes must outlive it.
public struct WholeMessage: MessageBytes {
    private let bytes: UnsafeRawBufferPointer

    /// Wraps a message.
    public init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// Calls `visit` once.
    public func forEachPiece(of range: Range<Int>, _ visit: (UnsafeRawBufferPointer) -> Void) {
        visit(UnsafeRawBufferPointer(rebasing: bytes[range]))
    }
}
