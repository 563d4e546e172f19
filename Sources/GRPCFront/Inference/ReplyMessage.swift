import NIOCore
import SwiftProtobuf
import WireMessages

/// A message on its way out. Room is kept before it, so that what goes in front (the prefix, the
/// wrapper of a streamed reply) is written without moving the message.
struct ReplyMessage: Sendable {
    /// The prefix, and a streamed reply's key and length: 5 + 1 + 10 bytes at most.
    private static let headroom = 16
    /// The key of `infer_response` in `ModelStreamInferResponse`.
    private static let streamedReplyKey: UInt8 = 2 << 3 | 2

    private var buffer: ByteBuffer
    private var isSealed = false

    /// Creates an empty message with room for `capacity` bytes.
    init(capacity: Int) {
        buffer = ByteBufferAllocator().buffer(capacity: capacity + Self.headroom)
        buffer.moveWriterIndex(to: Self.headroom)
        buffer.moveReaderIndex(to: Self.headroom)
    }

    /// Creates a message of bytes that are there already.
    init(_ bytes: some Collection<UInt8>) {
        self.init(capacity: bytes.count)
        buffer.writeBytes(bytes)
    }

    /// Creates a message of a generated type.
    init(_ message: some SwiftProtobuf.Message) throws(Status) {
        do {
            let bytes: [UInt8] = try message.serializedBytes()
            self.init(bytes)
        } catch {
            throw Status(.internalError, "the reply can't be written: \(error)")
        }
    }

    /// An error that a stream of inferences carries as a message.
    static func streamError(_ status: Status, id: String) -> ReplyMessage {
        var message = Inference_ModelStreamInferResponse()
        message.errorMessage = status.message
        message.inferResponse.id = id
        // Safe: a message without required fields or nested `Any` can always be written.
        let bytes: [UInt8] = (try? message.serializedBytes()) ?? []
        return ReplyMessage(bytes)
    }

    /// How many bytes the message has.
    var count: Int { buffer.readableBytes }

    /// Adds bytes at the end.
    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        buffer.writeBytes(bytes)
    }

    /// Adds bytes at the end.
    mutating func append(_ bytes: [UInt8]) {
        buffer.writeBytes(bytes)
    }

    /// Makes a `ModelStreamInferResponse` of a `ModelInferResponse`.
    mutating func wrapForStream() {
        var length = UInt64(count)
        var head: [UInt8] = [Self.streamedReplyKey]
        while length >= 0x80 {
            head.append(UInt8(truncatingIfNeeded: length) | 0x80)
            length >>= 7
        }
        head.append(UInt8(length))
        let begin = buffer.readerIndex - head.count
        buffer.moveReaderIndex(to: begin)
        buffer.setBytes(head, at: begin)
    }

    /// Writes the prefix of the finished message, here, where nobody shares its storage yet:
    /// later it would cost a copy of the whole.
    mutating func seal() {
        writePrefix(compressed: false)
        isSealed = true
    }

    /// The message with its prefix, packed where that is asked for and memory allows.
    func framed(_ encoding: MessageEncoding) -> ByteBuffer {
        var message = self
        var isPacked = false
        if let packed = MessageCompression.pack(buffer, as: encoding) {
            message = ReplyMessage(capacity: packed.readableBytes)
            message.buffer.writeImmutableBuffer(packed)
            isPacked = true
        }
        if !message.isSealed { message.writePrefix(compressed: isPacked) }
        var framed = message.buffer
        framed.moveReaderIndex(to: framed.readerIndex - MessageAssembler.prefixLength)
        return framed
    }

    private mutating func writePrefix(compressed: Bool) {
        let begin = buffer.readerIndex - MessageAssembler.prefixLength
        buffer.setInteger(compressed ? 1 : 0, at: begin, as: UInt8.self)
        buffer.setInteger(UInt32(count), at: begin + 1)
    }
}
