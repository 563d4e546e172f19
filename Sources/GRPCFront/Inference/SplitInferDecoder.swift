import NIOCore
import OpenInference

/// Decodes a `ModelInferRequest` that came in several chunks, without joining its tensors.
///
/// A first pass over the top-level fields copies everything but `raw_input_contents`, some
/// hundred bytes, and notes where those are; the decoder then works on the copy.
enum SplitInferDecoder {
    /// The key of `raw_input_contents`.
    private static let contentsKey: UInt64 = 7 << 3 | 2

    /// Decodes a message; ranges in the request count from the first byte of the message.
    ///
    /// Cost: O(fields) and a copy of what is no raw content.
    static func decode(_ message: Message) throws(WireError) -> InferRequest {
        var skeleton: [UInt8] = []
        var contents: [Range<Int>] = []
        guard split(message, &skeleton, &contents) else {
            // Something odd: the decoder itself finds the words for it.
            return try decode(Array(message.joined().readableBytesView), contents: [])
        }
        let limit = DecodingLimits().tensors
        guard contents.count <= limit else {
            throw WireError(.invalidArgument, "too many raw contents: the limit is \(limit)")
        }
        return try decode(skeleton, contents: contents)
    }

    /// Decodes bytes that lie in one piece.
    static func decode(
        _ bytes: [UInt8],
        contents: [Range<Int>]
    ) throws(WireError) -> InferRequest {
        let result = bytes.withUnsafeBytes { bytes in
            Result { () throws(WireError) in
                try ProtobufInferDecoder.decode(bytes, contents: contents)
            }
        }
        return try result.get()
    }

    private static func split(
        _ message: Message,
        _ skeleton: inout [UInt8],
        _ contents: inout [Range<Int>]
    ) -> Bool {
        var walk = ChunkWalk(message)
        while walk.position < message.count {
            let begin = walk.position
            guard let key = walk.varint() else { return false }
            if key == contentsKey {
                guard let range = walk.delimited() else { return false }
                contents.append(range)
            } else {
                guard walk.skip(type: key & 7) else { return false }
                let range = begin..<walk.position
                let place = skeleton.count
                skeleton.append(contentsOf: repeatElement(0, count: range.count))
                skeleton.withUnsafeMutableBytes { bytes in
                    message.copy(
                        range,
                        to: UnsafeMutableRawBufferPointer(rebasing: bytes[place...])
                    )
                }
            }
        }
        return true
    }
}

/// A place in the chunks of a message, moving forward.
private struct ChunkWalk {
    private let message: Message
    private var index = 0
    private var chunkBegin = 0
    private var chunk: ByteBuffer
    private(set) var position = 0

    init(_ message: Message) {
        self.message = message
        chunk = message.first
    }

    /// A number of variable length; nil where there is none.
    mutating func varint() -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), through: 63, by: 7) {
            guard let byte = next() else { return nil }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        return nil
    }

    /// The bytes of a delimited field, passed over; nil where they go beyond the end.
    mutating func delimited() -> Range<Int>? {
        guard let length = varint(), length <= UInt64(message.count - position) else { return nil }
        let begin = position
        position += Int(length)
        return begin..<position
    }

    /// Passes over a field's value; false for a form that isn't usual, or beyond the end.
    mutating func skip(type: UInt64) -> Bool {
        switch type {
        case 0: return varint() != nil
        case 1: position += 8
        case 2: return delimited() != nil
        case 5: position += 4
        default: return false
        }
        return position <= message.count
    }

    private mutating func next() -> UInt8? {
        guard position < message.count else { return nil }
        while position - chunkBegin >= chunk.readableBytes {
            chunkBegin += chunk.readableBytes
            chunk = message.rest[index]
            index += 1
        }
        let offset = chunk.readerIndex + position - chunkBegin
        position += 1
        return chunk.getInteger(at: offset, as: UInt8.self)
    }
}
