import NIOCore
import Testing
import Transport

@testable import HTTPFront

/// What a connection holds of the bodies that came over it.
@Suite("Buffers to read into")
struct ReceiveBufferTests {
    /// NIO's own list of buffers, as a channel of the fronts has it.
    private var pool: NIOPooledRecvBufferAllocator {
        .init(capacity: Int(ReceiveBuffers.readsPerTurn), recvAllocator: ReceiveBuffers())
    }

    /// Reads `bytes` bytes, which are all there, into as few pieces as the pool gives room for.
    private func read(
        _ bytes: Int,
        from pool: inout NIOPooledRecvBufferAllocator
    ) -> [ByteBuffer] {
        var (pieces, left) = ([ByteBuffer](), bytes)
        while left > 0 {
            let (piece, count) = pool.buffer(allocator: ByteBufferAllocator()) { buffer in
                let count = min(left, buffer.writableBytes)
                buffer.writeRepeatingByte(7, count: count)
                return count
            }
            pool.record(actualReadBytes: count)
            pieces.append(piece)
            left -= count
        }
        return pieces
    }

    @Test("A large body comes in few pieces, and once it has gone one small buffer is kept.")
    func keepsNothingLarge() {
        var pool = pool
        for _ in 0..<20 {
            var body = read(600_000, from: &pool)
            #expect(body.count <= 6)
            #expect(body.map(\.readableBytes).reduce(0, +) == 600_000)
            body = []
            // The first read of the next message may still be a large one; it shows that none is.
            _ = read(200, from: &pool)
            #expect(pool.count == 1)
            let kept = read(200, from: &pool)
            #expect(kept.map { $0.storageCapacity } == [ReceiveBuffers.small])
        }
    }

    @Test("Small messages are read into one and the same buffer, and none is made for them.")
    func readsSmallOnesInPlace() {
        var pool = pool
        func place(_ buffer: ByteBuffer) -> UInt {
            buffer.withUnsafeReadableBytes { UInt(bitPattern: $0.baseAddress) }
        }
        let places = (0..<50).map { _ in place(read(300, from: &pool)[0]) }
        #expect(Set(places).count == 1)
    }

    @Test("A body that trickles in takes at most five times its size in buffers.")
    func boundsWaste() {
        var pool = pool
        _ = read(300_000, from: &pool)
        for size in [2_500, 9_000, 20_000, 70_000] {
            // The first arrival tells the size of the next.
            _ = read(size, from: &pool)
            let pieces = (0..<20).flatMap { _ in read(size, from: &pool) }
            let room = pieces.map(\.storageCapacity).reduce(0, +)
            #expect(room <= 5 * 20 * size, "\(20 * size) bytes were given \(room)")
        }
    }

    @Test("The connections of the front are read that way.")
    func isUsed() async throws {
        try await withServer { server in
            let client = try await server.connect()
            try await client.send(request("GET", "/v2/health/live"))
            #expect(try await client.reply().status == 200)
            let channel = try #require(server.front.context.channels.first)
            let reads = try await channel.getOption(.maxMessagesPerRead).get()
            #expect(reads == ReceiveBuffers.readsPerTurn)
            let allocator = try await channel.getOption(.recvAllocator).get()
            #expect(allocator is ReceiveBuffers)
        }
    }
}
