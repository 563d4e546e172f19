import NIOCore
import Testing

@testable import GRPCFront

/// The front's message, for files that also know the generated code's protocol of that name.
typealias GRPCMessage = Message

/// Messages are cut out of the bytes of a stream however those were cut up on the way.
@Suite struct MessageAssemblerTests {
    static func framed(_ payload: [UInt8], flag: UInt8 = 0) -> [UInt8] {
        let count = UInt32(payload.count)
        let length = (0..<4).map { UInt8(truncatingIfNeeded: count >> (24 - 8 * $0)) }
        return [flag] + length + payload
    }

    static func all(_ assembler: inout MessageAssembler) throws -> [[UInt8]] {
        var found: [[UInt8]] = []
        while case .message(let message, _) = try assembler.next() {
            found.append(Array(message.joined().readableBytesView))
        }
        return found
    }

    @Test("Several messages in one chunk come out one by one, empty ones included")
    func merged() throws {
        var assembler = MessageAssembler(limit: 100)
        assembler.append(
            ByteBuffer(bytes: Self.framed([1, 2]) + Self.framed([]) + Self.framed([3]))
        )
        #expect(try Self.all(&assembler) == [[1, 2], [], [3]])
        #expect(assembler.isBetweenMessages)
    }

    @Test("Every way of cutting two messages into three chunks gives the same messages")
    func split() throws {
        let bytes = Self.framed([1, 2, 3, 4]) + Self.framed([5, 6])
        for first in 0...bytes.count {
            for second in first...bytes.count {
                var assembler = MessageAssembler(limit: 100)
                var found: [[UInt8]] = []
                for part in [bytes[..<first], bytes[first..<second], bytes[second...]] {
                    assembler.append(ByteBuffer(bytes: part))
                    found += try Self.all(&assembler)
                }
                #expect(found == [[1, 2, 3, 4], [5, 6]])
                #expect(assembler.isBetweenMessages)
            }
        }
    }

    @Test("A length above the limit is refused before its bytes have come, with both numbers")
    func tooLong() throws {
        var assembler = MessageAssembler(limit: 10)
        assembler.append(ByteBuffer(bytes: [0, 0, 0, 0, 11]))
        let error = #expect(throws: Status.self) { try assembler.next() }
        #expect(error?.code == .resourceExhausted)
        #expect(error?.message.contains("11") == true && error?.message.contains("10") == true)
    }

    @Test("A message of exactly the limit is taken")
    func exactlyTheLimit() throws {
        var assembler = MessageAssembler(limit: 4)
        assembler.append(ByteBuffer(bytes: Self.framed([1, 2, 3, 4])))
        #expect(try Self.all(&assembler) == [[1, 2, 3, 4]])
    }

    @Test("A prefix that is neither plain nor compressed is refused, even when it comes in bits")
    func oddFlag() throws {
        var assembler = MessageAssembler(limit: 10)
        for byte in [2, 0, 0, 0] as [UInt8] {
            assembler.append(ByteBuffer(bytes: [byte]))
            guard case .needsMore = try assembler.next() else {
                Issue.record("a message of four bytes of prefix")
                return
            }
        }
        assembler.append(ByteBuffer(bytes: [0]))
        #expect(throws: Status.self) { try assembler.next() }
    }

    @Test("A message that has begun is known to be unfinished")
    func unfinished() throws {
        var assembler = MessageAssembler(limit: 10)
        assembler.append(ByteBuffer(bytes: [0, 0, 0, 0, 2]))
        _ = try assembler.next()
        #expect(!assembler.isBetweenMessages)
        assembler.append(ByteBuffer(bytes: [1]))
        #expect(try Self.all(&assembler).isEmpty)
        #expect(!assembler.isBetweenMessages)
    }

    @Test("Any range of a message in chunks is copied as if it lay in one piece")
    func ranges() {
        let bytes = (0..<40).map { UInt8($0) }
        var message = Message(ByteBuffer(bytes: bytes[..<7]))
        message.append(ByteBuffer(bytes: bytes[7..<8]))
        message.append(ByteBuffer())
        message.append(ByteBuffer(bytes: bytes[8..<40]))
        #expect(message.count == 40)
        for low in 0...40 {
            for high in low...40 {
                var target = [UInt8](repeating: 0xff, count: high - low)
                target.withUnsafeMutableBytes { message.copy(low..<high, to: $0) }
                #expect(target == Array(bytes[low..<high]))
            }
        }
    }
}
