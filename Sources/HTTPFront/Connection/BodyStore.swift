import NIOCore
import OpenInference

/// A request's body, in as few pieces as its arrival allows.
///
/// Large pieces stay where the socket put them. Small ones are gathered, so that a client that
/// sends single bytes can't make the server hold a read buffer for each.
struct BodyStore: Sendable, MessageBytes {
    /// Bodies up to this size that come in several pieces are put together.
    static let joinLimit = 256 << 10
    /// Smaller pieces are copied into a gathering buffer.
    static let smallPiece = 16 << 10

    private var first = ByteBuffer()
    private var rest: [ByteBuffer] = []
    /// The last piece is a buffer of our own with room at its end.
    private var isGathering = false
    /// How many bytes there are.
    private(set) var count = 0

    /// Takes the next piece; `expected` is the whole body's length where it is known.
    mutating func append(_ piece: ByteBuffer, expected: Int?) {
        let size = piece.readableBytes
        guard size > 0 else { return }
        defer { count += size }
        if count == 0 {
            if size == expected || size >= Self.joinLimit {
                first = piece
            } else if let expected, expected <= Self.joinLimit {
                begin(with: piece, capacity: max(expected, size))
            } else if size >= Self.smallPiece {
                first = piece
            } else {
                begin(with: piece, capacity: 4 * Self.smallPiece)
            }
            return
        }
        if isGathering, room >= size {
            gather(piece)
        } else if size >= Self.smallPiece {
            rest.append(piece)
            isGathering = false
        } else {
            rest.append(ByteBuffer())
            rest[rest.count - 1].reserveCapacity(4 * Self.smallPiece)
            isGathering = true
            gather(piece)
        }
    }

    private var room: Int {
        let last = rest.last ?? first
        return last.capacity - last.writerIndex
    }

    private mutating func begin(with piece: ByteBuffer, capacity: Int) {
        first.reserveCapacity(capacity)
        isGathering = true
        gather(piece)
    }

    private mutating func gather(_ piece: ByteBuffer) {
        if rest.isEmpty {
            first.writeImmutableBuffer(piece)
        } else {
            rest[rest.count - 1].writeImmutableBuffer(piece)
        }
    }

    // MARK: Reading

    /// Calls `visit` with the pieces of a range, in order.
    func forEachPiece(of range: Range<Int>, _ visit: (UnsafeRawBufferPointer) -> Void) {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        var begin = 0
        for index in -1..<rest.count where begin < range.upperBound {
            let piece = index < 0 ? first : rest[index]
            let end = begin + piece.readableBytes
            if end > range.lowerBound {
                let from = max(range.lowerBound, begin) - begin
                let to = min(range.upperBound, end) - begin
                piece.withUnsafeReadableBytes { bytes in
                    visit(UnsafeRawBufferPointer(rebasing: bytes[from..<to]))
                }
            }
            begin = end
        }
    }

    /// Copies a range; `target` must have room for it.
    func copy(_ range: Range<Int>, into target: UnsafeMutableRawBufferPointer) {
        precondition(target.count >= range.count)
        var rest = target
        forEachPiece(of: range) { piece in
            rest.copyMemory(from: piece)
            rest = UnsafeMutableRawBufferPointer(rebasing: rest[piece.count...])
        }
    }

    /// Lends out the first `length` bytes in one piece, copied together only if they have to be.
    func withFirst<Result>(
        _ length: Int,
        _ work: (UnsafeRawBufferPointer) -> Result
    ) -> Result {
        precondition(length <= count)
        if length <= first.readableBytes {
            return first.withUnsafeReadableBytes { bytes in
                work(UnsafeRawBufferPointer(rebasing: bytes[..<length]))
            }
        }
        var joined = [UInt8](repeating: 0, count: length)
        joined.withUnsafeMutableBytes { copy(0..<length, into: $0) }
        return joined.withUnsafeBytes(work)
    }

    /// The whole body as an array, for endpoints that are called rarely.
    var array: [UInt8] {
        var joined = [UInt8](repeating: 0, count: count)
        joined.withUnsafeMutableBytes { copy(0..<count, into: $0) }
        return joined
    }
}
