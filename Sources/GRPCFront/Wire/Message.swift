import NIOCore
import OpenInference

/// The bytes of one message, in the chunks that they came in.
///
/// Nothing is copied on the way in: the chunks share memory with what the socket was read into.
struct Message: MessageBytes, Sendable {
    /// The first chunk; small messages have no other.
    private(set) var first: ByteBuffer
    /// The chunks behind it.
    private(set) var rest: [ByteBuffer] = []
    /// How many bytes all chunks hold.
    private(set) var count: Int

    /// Creates a message of one chunk.
    init(_ bytes: ByteBuffer) {
        first = bytes
        count = bytes.readableBytes
    }

    /// Adds a chunk at the end.
    mutating func append(_ bytes: ByteBuffer) {
        rest.append(bytes)
        count += bytes.readableBytes
    }

    /// Copies `range`, counted from the message's first byte, to `target`.
    ///
    /// `target` has at least as many bytes as the range, and the message holds the range.
    func copy(_ range: Range<Int>, to target: UnsafeMutableRawBufferPointer) {
        precondition(target.count >= range.count)
        var written = 0
        forEachPiece(of: range) { piece in
            UnsafeMutableRawBufferPointer(rebasing: target[written..<written + piece.count])
                .copyMemory(from: piece)
            written += piece.count
        }
    }

    /// Calls `visit` with the pieces of `range`, counted from the message's first byte.
    func forEachPiece(of range: Range<Int>, _ visit: (UnsafeRawBufferPointer) -> Void) {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        var skip = range.lowerBound
        var missing = range.count
        func take(_ chunk: ByteBuffer) {
            guard skip < chunk.readableBytes else {
                skip -= chunk.readableBytes
                return
            }
            chunk.withUnsafeReadableBytes { bytes in
                let part = min(bytes.count - skip, missing)
                visit(UnsafeRawBufferPointer(rebasing: bytes[skip..<skip + part]))
                missing -= part
            }
            skip = 0
        }
        if missing > 0 { take(first) }
        for chunk in rest where missing > 0 { take(chunk) }
    }

    /// The whole message in one piece. Cost: a copy when it came in several chunks.
    func joined() -> ByteBuffer {
        guard !rest.isEmpty else { return first }
        var whole = ByteBufferAllocator().buffer(capacity: count)
        whole.writeImmutableBuffer(first)
        for chunk in rest { whole.writeImmutableBuffer(chunk) }
        return whole
    }
}
