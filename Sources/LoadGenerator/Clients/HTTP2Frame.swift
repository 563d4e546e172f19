import NIOCore

/// The frame layer of HTTP/2 (RFC 9113, sections 4 and 6), as far as a client needs it.
enum HTTP2Frame {
    static let data: UInt8 = 0
    static let headers: UInt8 = 1
    static let resetStream: UInt8 = 3
    static let settings: UInt8 = 4
    static let pushPromise: UInt8 = 5
    static let ping: UInt8 = 6
    static let goAway: UInt8 = 7
    static let windowUpdate: UInt8 = 8
    static let continuation: UInt8 = 9

    static let endStream: UInt8 = 0x1
    static let acknowledged: UInt8 = 0x1
    static let endHeaders: UInt8 = 0x4
    static let padded: UInt8 = 0x8
    static let prioritised: UInt8 = 0x20

    static let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    static let headLength = 9

    /// The largest frame that a server may send us.
    static let sizeLimit = 64 << 10

    /// Kind, flags, stream and payload length of a frame.
    struct Head {
        var length: Int
        var kind: UInt8
        var flags: UInt8
        var stream: UInt32

        func has(_ flag: UInt8) -> Bool { flags & flag != 0 }
    }

    /// The head at the front of `buffer`; nil if it is not all there.
    static func head(of buffer: ByteBuffer) -> Head? {
        let at = buffer.readerIndex
        guard let word = buffer.getInteger(at: at, as: UInt32.self),
            let flags = buffer.getInteger(at: at + 4, as: UInt8.self),
            let stream = buffer.getInteger(at: at + 5, as: UInt32.self)
        else { return nil }
        return Head(
            length: Int(word >> 8),
            kind: UInt8(truncatingIfNeeded: word),
            flags: flags,
            stream: stream & 0x7FFF_FFFF
        )
    }

    /// Appends a frame's head.
    static func write(
        _ kind: UInt8,
        flags: UInt8 = 0,
        stream: UInt32 = 0,
        length: Int,
        to buffer: inout ByteBuffer
    ) {
        buffer.writeMultipleIntegers(UInt32(length) << 8 | UInt32(kind), flags, stream)
    }
}
