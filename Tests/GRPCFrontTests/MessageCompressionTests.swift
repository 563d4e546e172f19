import NIOCore
import Testing

@testable import GRPCFront

/// Messages survive packing, and what isn't packed properly is refused within its limits.
@Suite struct MessageCompressionTests {
    private func message(_ bytes: [UInt8], chunk: Int = 1_000) -> Message {
        var message = Message(ByteBuffer(bytes: bytes.prefix(chunk)))
        for begin in stride(from: chunk, to: bytes.count, by: chunk) {
            message.append(ByteBuffer(bytes: bytes[begin..<min(bytes.count, begin + chunk)]))
        }
        return message
    }

    private let sample = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 / 7 ^ $0 >> 9) }

    @Test(
        "What is packed and unpacked is the same, in chunks too",
        arguments: [
            MessageEncoding.gzip, .deflate,
        ]
    )
    func roundTrip(_ encoding: MessageEncoding) throws {
        for count in [0, 1, 1_000, 300_000] {
            let plain = Array(sample.prefix(count))
            let packed = try #require(
                MessageCompression.pack(ByteBuffer(bytes: plain), as: encoding)
            )
            let chunks = message(Array(packed.readableBytesView))
            let result = try MessageCompression.unpack(chunks, limit: 300_000)
            #expect(Array(result.joined().readableBytesView) == plain)
        }
    }

    @Test("A message that unpacks to more than the limit is refused")
    func bomb() throws {
        let zeros = ByteBuffer(repeating: 0, count: 10_000_000)
        let packed = try #require(MessageCompression.pack(zeros, as: .gzip))
        #expect(packed.readableBytes < 100_000)
        let error = #expect(throws: Status.self) {
            try MessageCompression.unpack(Message(packed), limit: 1_000_000)
        }
        #expect(error?.code == .resourceExhausted)
    }

    @Test("Bytes that are not packed, cut short, or followed by others are refused")
    func damaged() throws {
        let packed = try #require(
            MessageCompression.pack(ByteBuffer(bytes: sample), as: .gzip)
        )
        let bytes = Array(packed.readableBytesView)
        for wrong in [[], [1, 2, 3], Array(bytes.dropLast()), bytes + [0]] as [[UInt8]] {
            let error = #expect(throws: Status.self) {
                try MessageCompression.unpack(message(wrong), limit: 1_000_000)
            }
            #expect(error?.code == .internalError)
        }
    }

    @Test("Packing as identity packs nothing")
    func identity() {
        #expect(MessageCompression.pack(ByteBuffer(bytes: [1]), as: .identity) == nil)
    }

    @Test("Encodings are found in a list with and without spaces, whole words only")
    func lists() {
        #expect(MessageEncoding.gzip.isListed(in: "identity, deflate, gzip"))
        #expect(MessageEncoding.deflate.isListed(in: "deflate,gzip"))
        #expect(!MessageEncoding.gzip.isListed(in: "identity,xgzip"))
        #expect(MessageEncoding(name: "br") == nil)
    }
}
