import NIOCore

/// Cuts the bytes of a stream into messages: a byte that says whether it is compressed, four
/// that say how long it is (big-endian), then the message.
///
/// Bytes wait unread until `next` asks for them, so that a stream that is held back keeps no
/// more than its window.
struct MessageAssembler {
    /// What `next` found.
    enum Step {
        /// A whole message.
        case message(Message, compressed: Bool)
        /// More bytes are needed.
        case needsMore
    }

    /// The prefix before each message.
    static let prefixLength = 5

    /// The longest message that is taken.
    let limit: Int
    /// Bytes that have come and are not part of a finished message yet.
    private(set) var waitingBytes = 0
    /// The length that the present message's prefix declares; nil between messages.
    private(set) var declaredLength: Int?

    private var compressed = false
    private var chunks: [ByteBuffer] = []

    /// Creates an assembler for messages of at most `limit` bytes.
    init(limit: Int) {
        self.limit = limit
    }

    /// Whether the stream may end here: no message has been begun.
    var isBetweenMessages: Bool { waitingBytes == 0 && declaredLength == nil }

    /// Takes bytes of the stream. Cost: no copy.
    mutating func append(_ bytes: ByteBuffer) {
        guard bytes.readableBytes > 0 else { return }
        waitingBytes += bytes.readableBytes
        chunks.append(bytes)
    }

    /// The next message, if all of it is here.
    ///
    /// Throws where a prefix lies: an unknown flag, or a length above the limit; the stream can't
    /// go on after that.
    mutating func next() throws(Status) -> Step {
        if declaredLength == nil {
            guard waitingBytes >= Self.prefixLength else { return .needsMore }
            try readPrefix()
        }
        guard let length = declaredLength, waitingBytes >= length else { return .needsMore }
        declaredLength = nil
        return .message(take(length), compressed: compressed)
    }

    private mutating func readPrefix() throws(Status) {
        let flag: UInt8
        let length: Int
        if let (mark, size) = chunks[0].readMultipleIntegers(as: (UInt8, UInt32).self) {
            (flag, length) = (mark, Int(size))
            waitingBytes -= Self.prefixLength
            if chunks[0].readableBytes == 0 { chunks.removeFirst() }
        } else {
            var prefix: UInt64 = 0
            take(Self.prefixLength).withEachByte { prefix = prefix << 8 | UInt64($0) }
            (flag, length) = (UInt8(prefix >> 32), Int(prefix & 0xffff_ffff))
        }
        guard flag <= 1 else {
            throw Status(
                .internalError,
                "a message begins with byte \(flag); it must be 0 (plain) or 1 (compressed)"
            )
        }
        guard length <= limit else { throw Self.tooLong(length, limit: limit) }
        compressed = flag == 1
        declaredLength = length
    }

    /// What is said about a message that is longer than allowed.
    static func tooLong(_ length: Int, limit: Int) -> Status {
        Status(
            .resourceExhausted,
            "a message of \(length) bytes is longer than the \(limit) that the server takes;"
                + " send fewer items at once or raise the server's message limit"
        )
    }

    private mutating func take(_ length: Int) -> Message {
        waitingBytes -= length
        var message: Message?
        var missing = length
        var used = 0
        while missing > 0 {
            let here = chunks[used].readableBytes
            if here <= missing {
                message.add(chunks[used])
                used += 1
                missing -= here
            } else if let part = chunks[used].readSlice(length: missing) {
                message.add(part)
                missing = 0
            }
        }
        if used > 0 { chunks.removeFirst(used) }
        return message ?? Message(ByteBuffer())
    }
}

extension Message? {
    fileprivate mutating func add(_ chunk: ByteBuffer) {
        if self == nil { self = Message(chunk) } else { self?.append(chunk) }
    }
}

extension Message {
    fileprivate func withEachByte(_ body: (UInt8) -> Void) {
        first.readableBytesView.forEach(body)
        for chunk in rest { chunk.readableBytesView.forEach(body) }
    }
}
