import CZlib
import NIOCore

/// Packs and unpacks whole messages with zlib.
enum MessageCompression {
    /// Speed before size: a reply is waited for.
    private static let level: Int32 = 1
    /// How much the unpacked buffer grows by at a time.
    private static let step = 64 << 10

    /// Unpacks a message that came as gzip or zlib; both are recognised by their heads.
    ///
    /// Throws when the bytes are no such thing, or unpack to more than `limit` bytes.
    static func unpack(_ message: Message, limit: Int) throws(Status) -> Message {
        var stream = z_stream()
        let ready = inflateInit2_(
            &stream,
            MAX_WBITS + 32,
            ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size)
        )
        guard ready == Z_OK else { throw outOfMemory }
        defer { inflateEnd(&stream) }
        var output = ByteBufferAllocator().buffer(capacity: min(limit, message.count * 4))
        var packed = message.joined()
        var ended = false
        while !ended {
            let missing = limit + 1 - output.readableBytes
            guard missing > 0 else { throw MessageAssembler.tooLong(limit + 1, limit: limit) }
            let before = (packed.readableBytes, output.readableBytes)
            let code = pump(&stream, from: &packed, to: &output, room: min(step, missing)) {
                inflate(&$0, Z_NO_FLUSH)
            }
            ended = code == Z_STREAM_END
            let moved = before != (packed.readableBytes, output.readableBytes)
            guard ended || (code == Z_OK && moved) else { throw damaged }
        }
        guard packed.readableBytes == 0 else { throw damaged }
        return Message(output)
    }

    /// Packs `bytes`; nil when zlib has no memory left, so that they go as they are.
    static func pack(_ bytes: ByteBuffer, as encoding: MessageEncoding) -> ByteBuffer? {
        guard encoding != .identity else { return nil }
        var stream = z_stream()
        let ready = deflateInit2_(
            &stream,
            level,
            Z_DEFLATED,
            encoding == .gzip ? MAX_WBITS + 16 : MAX_WBITS,
            8,
            Z_DEFAULT_STRATEGY,
            ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size)
        )
        guard ready == Z_OK else { return nil }
        defer { deflateEnd(&stream) }
        var plain = bytes
        let bound = Int(deflateBound(&stream, uLong(plain.readableBytes)))
        var output = ByteBufferAllocator().buffer(capacity: bound)
        while true {
            let code = pump(&stream, from: &plain, to: &output, room: step) {
                deflate(&$0, Z_FINISH)
            }
            if code == Z_STREAM_END { return output }
            guard code == Z_OK || code == Z_BUF_ERROR else { return nil }
        }
    }

    private static var damaged: Status {
        Status(
            .internalError,
            "a compressed message can't be unpacked; it is neither gzip nor deflate, or cut short"
        )
    }

    private static var outOfMemory: Status {
        Status(.resourceExhausted, "no memory left to unpack a message; try again later")
    }

    /// One call of zlib, from what is readable to at most `room` bytes of fresh space.
    private static func pump(
        _ stream: inout z_stream,
        from source: inout ByteBuffer,
        to target: inout ByteBuffer,
        room: Int,
        _ call: (inout z_stream) -> Int32
    ) -> Int32 {
        source.readWithUnsafeReadableBytes { input -> (Int, Int32) in
            // zlib only reads here, whatever its type says. It counts in 32 bits; messages are
            // limited far below that.
            stream.next_in = UnsafeMutablePointer(
                mutating: input.bindMemory(to: UInt8.self).baseAddress
            )
            stream.avail_in = UInt32(input.count)
            var code: Int32 = 0
            target.writeWithUnsafeMutableBytes(minimumWritableBytes: room) { output in
                stream.next_out = output.bindMemory(to: UInt8.self).baseAddress
                stream.avail_out = UInt32(room)
                code = call(&stream)
                return room - Int(stream.avail_out)
            }
            return (input.count - Int(stream.avail_in), code)
        }
    }
}
