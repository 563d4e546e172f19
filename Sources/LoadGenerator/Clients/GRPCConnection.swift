import NIOCore

/// An HTTP/2 connection for unary gRPC calls, many at a time, at frame level.
///
/// It keeps no state per stream but what an answer needs; the windows that it opens are so large
/// that the server never waits for them (the answers are only counted).
final class GRPCConnection: WireConnection, ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// The most requests at once, whatever the server allows.
    static let streamLimit = 1_024
    /// The largest window of HTTP/2.
    private static let fullWindow = Int(Int32.max)

    private struct Call {
        var flight: Flight
        var facts = HeaderFacts()
        var received = 0
        var keepsBody: Bool
        var body: [UInt8] = []
    }

    private weak var owner: (any ConnectionOwner)?
    private var context: ChannelHandlerContext?
    private var calls: [UInt32: Call] = [:]
    private var nextStream: UInt32 = 1
    private(set) var isClosing = false
    var isListed = false

    private var outgoing = OutgoingBodies()
    private var hasSettings = false
    private var peerStreams = 100
    private var peerTable = 4_096
    private var hasIndexed = false

    private var unread = ByteBuffer()
    private var headerReader = HeaderFactsReader()
    private var headerBlock: (stream: UInt32, ends: Bool, bytes: ByteBuffer)?
    private var consumed = 0
    private var needsFlush = false
    private var isReading = false

    init(owner: any ConnectionOwner) { self.owner = owner }

    var room: Int {
        guard context != nil, hasSettings, !isClosing else { return 0 }
        return max(0, min(peerStreams, Self.streamLimit) - calls.count)
    }

    func send(_ request: PreparedRequest, for flight: Flight) {
        guard let context, let headers = request.headers else {
            preconditionFailure("sent on a connection without room")
        }
        let stream = nextStream
        nextStream += 2
        if nextStream > 0x7FFF_FF00 { isClosing = true }
        calls[stream] = Call(flight: flight, keepsBody: request.keepsBody)
        var block = headers.literal
        if headers.tableSize <= peerTable {
            block = hasIndexed ? headers.later : headers.first
            hasIndexed = true
        }
        var buffer = context.channel.allocator.buffer(
            capacity: 32 + block.count + min(request.bytes.readableBytes, 32 << 10)
        )
        HTTP2Frame.write(
            HTTP2Frame.headers,
            flags: HTTP2Frame.endHeaders,
            stream: stream,
            length: block.count,
            to: &buffer
        )
        buffer.writeBytes(block)
        outgoing.begin(request.bytes, on: stream, behind: buffer) { self.write($0) }
        flushSoon()
    }

    func abandon() -> [Flight] {
        owner = nil
        isClosing = true
        let flights = calls.sorted { $0.key < $1.key }.map(\.value.flight)
        calls.removeAll()
        context?.close(promise: nil)
        return flights
    }

    // MARK: Channel

    func channelActive(context: ChannelHandlerContext) {
        self.context = context
        var buffer = context.channel.allocator.buffer(capacity: 128)
        buffer.writeString(HTTP2Frame.preface)
        HTTP2Frame.write(HTTP2Frame.settings, length: 24, to: &buffer)
        // No header table, no pushes, full windows, frames of a size that we hold.
        let settings: [(UInt16, UInt32)] = [
            (1, 0), (2, 0), (4, UInt32(Self.fullWindow)), (5, UInt32(HTTP2Frame.sizeLimit)),
        ]
        for (name, value) in settings {
            buffer.writeMultipleIntegers(name, value)
        }
        HTTP2Frame.write(HTTP2Frame.windowUpdate, length: 4, to: &buffer)
        buffer.writeInteger(UInt32(Self.fullWindow - 65_535))
        context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.context = nil
        drop("the server closed the connection")
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        drop("connection broken: \(error)")
        context.close(promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var buffer = unwrapInboundIn(data)
        if unread.readableBytes > 0 {
            unread.writeBuffer(&buffer)
            swap(&unread, &buffer)
            unread.clear()
        }
        isReading = true
        do {
            while let head = HTTP2Frame.head(of: buffer) {
                guard head.length <= HTTP2Frame.sizeLimit else { throw Broken("frame too large") }
                guard buffer.readableBytes >= HTTP2Frame.headLength + head.length else { break }
                buffer.moveReaderIndex(forwardBy: HTTP2Frame.headLength)
                guard let payload = buffer.readSlice(length: head.length) else { break }
                try take(head, payload)
            }
        } catch {
            isReading = false
            drop("answer unreadable: \((error as? Broken)?.reason ?? "\(error)")")
            context.close(promise: nil)
            return
        }
        isReading = false
        if buffer.readableBytes > 0 { unread.writeBuffer(&buffer) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if needsFlush {
            needsFlush = false
            context.flush()
        }
        if isClosing, calls.isEmpty { context.close(promise: nil) }
    }

    private struct Broken: Error {
        var reason: String
        init(_ reason: String) { self.reason = reason }
    }

    private func write(_ buffer: ByteBuffer) {
        context?.write(wrapOutboundOut(buffer), promise: nil)
    }

    /// Requests sent while answers are being read leave together, when all are read.
    private func flushSoon() {
        if isReading { needsFlush = true } else { context?.flush() }
    }

    private func drop(_ reason: String) {
        isClosing = true
        let flights = calls.sorted { $0.key < $1.key }.map(\.value.flight)
        calls.removeAll()
        let owner = owner
        self.owner = nil
        owner?.lost(self, with: flights, reason: reason)
    }
}

// MARK: - Frames from the server

extension GRPCConnection {
    private func take(_ head: HTTP2Frame.Head, _ payload: ByteBuffer) throws {
        if headerBlock != nil, head.kind != HTTP2Frame.continuation {
            throw Broken("a header block was interrupted")
        }
        switch head.kind {
        case HTTP2Frame.data: try takeData(head, payload)
        case HTTP2Frame.headers:
            let block = try Self.unpadded(head, payload)
            try takeBlock(head, block, ends: head.has(HTTP2Frame.endStream))
        case HTTP2Frame.continuation:
            guard var block = headerBlock, block.stream == head.stream else {
                throw Broken("a continuation of nothing")
            }
            guard block.bytes.readableBytes + payload.readableBytes <= 256 << 10 else {
                throw Broken("headers too large")
            }
            block.bytes.writeImmutableBuffer(payload)
            headerBlock = nil
            try takeBlock(head, block.bytes, ends: block.ends)
        case HTTP2Frame.settings: try takeSettings(head, payload)
        case HTTP2Frame.windowUpdate:
            guard let raise = payload.getInteger(at: payload.readerIndex, as: UInt32.self) else {
                throw Broken("a window update without a value")
            }
            outgoing.open(stream: head.stream, by: Int(raise & 0x7FFF_FFFF)) { write($0) }
            needsFlush = true
        case HTTP2Frame.ping where !head.has(HTTP2Frame.acknowledged):
            var pong = ByteBuffer()
            HTTP2Frame.write(
                HTTP2Frame.ping,
                flags: HTTP2Frame.acknowledged,
                length: payload.readableBytes,
                to: &pong
            )
            pong.writeImmutableBuffer(payload)
            write(pong)
            needsFlush = true
        case HTTP2Frame.resetStream:
            let code = payload.getInteger(at: payload.readerIndex, as: UInt32.self) ?? 0
            outgoing.cancel(head.stream)
            guard let call = calls.removeValue(forKey: head.stream) else { return }
            // 7 = refused before anything was done, 8 = cancelled, 11 = calm down.
            let status = code == 7 || code == 11 ? 14 : code == 8 ? 1 : 13
            finish(call, Reply(code: .grpc(status), note: "stream reset with code \(code)"))
        case HTTP2Frame.goAway: takeGoAway(payload)
        case HTTP2Frame.pushPromise: throw Broken("a push, which was switched off")
        default: break
        }
    }

    private static func unpadded(
        _ head: HTTP2Frame.Head,
        _ payload: ByteBuffer
    ) throws -> ByteBuffer {
        var payload = payload
        var padding = 0
        if head.has(HTTP2Frame.padded) { padding = Int(payload.readInteger(as: UInt8.self) ?? 0) }
        if head.kind == HTTP2Frame.headers, head.has(HTTP2Frame.prioritised) {
            guard payload.readableBytes >= 5 else { throw Broken("a frame shorter than it says") }
            payload.moveReaderIndex(forwardBy: 5)
        }
        guard let inner = payload.readSlice(length: payload.readableBytes - padding) else {
            throw Broken("a frame shorter than its padding")
        }
        return inner
    }

    private func takeData(_ head: HTTP2Frame.Head, _ payload: ByteBuffer) throws {
        consumed += payload.readableBytes
        if consumed > Self.fullWindow / 2 {
            var update = ByteBuffer()
            HTTP2Frame.write(HTTP2Frame.windowUpdate, length: 4, to: &update)
            update.writeInteger(UInt32(consumed))
            consumed = 0
            write(update)
            needsFlush = true
        }
        let inner = try Self.unpadded(head, payload)
        guard let place = calls.index(forKey: head.stream) else { return }
        calls.values[place].received += inner.readableBytes
        if calls.values[place].keepsBody {
            guard calls.values[place].received <= HTTPResponseReader.bodyLimit else {
                throw Broken("an answer larger than \(HTTPResponseReader.bodyLimit) bytes")
            }
            calls.values[place].body.append(contentsOf: inner.readableBytesView)
        }
        if head.has(HTTP2Frame.endStream) { end(head.stream) }
    }

    private func takeBlock(_ head: HTTP2Frame.Head, _ bytes: ByteBuffer, ends: Bool) throws {
        guard head.has(HTTP2Frame.endHeaders) else {
            headerBlock = (head.stream, ends, bytes)
            return
        }
        let facts = try headerReader.read(bytes)
        guard let place = calls.index(forKey: head.stream) else { return }
        calls.values[place].facts.merge(facts)
        if ends { end(head.stream) }
    }

    private func takeSettings(_ head: HTTP2Frame.Head, _ payload: ByteBuffer) throws {
        if head.has(HTTP2Frame.acknowledged) {
            headerReader.isContextFree = true
            return
        }
        var payload = payload
        while let (name, value) = payload.readMultipleIntegers(as: (UInt16, UInt32).self) {
            switch name {
            case 1: peerTable = Int(value)
            case 3: peerStreams = Int(value)
            case 4:
                guard value <= UInt32(Int32.max) else { throw Broken("a window beyond 2^31-1") }
                outgoing.setInitialWindow(Int(value)) { write($0) }
            case 5: outgoing.frameLimit = min(max(Int(value), 16_384), 1 << 20)
            default: break
            }
        }
        var answer = ByteBuffer()
        HTTP2Frame.write(
            HTTP2Frame.settings,
            flags: HTTP2Frame.acknowledged,
            length: 0,
            to: &answer
        )
        write(answer)
        context?.flush()
        hasSettings = true
        owner?.hasRoom(self)
    }

    private func takeGoAway(_ payload: ByteBuffer) {
        isClosing = true
        let last = payload.getInteger(at: payload.readerIndex, as: UInt32.self) ?? 0
        for stream in calls.keys.filter({ $0 > last & 0x7FFF_FFFF }).sorted() {
            outgoing.cancel(stream)
            guard let call = calls.removeValue(forKey: stream) else { continue }
            finish(call, Reply(code: .grpc(14), note: "the server is going away"))
        }
    }

    /// The server has ended its side of a stream.
    private func end(_ stream: UInt32) {
        guard let call = calls.removeValue(forKey: stream) else { return }
        if outgoing.cancel(stream) {
            // The answer came before the request was all sent: nobody needs the rest.
            var reset = ByteBuffer()
            HTTP2Frame.write(HTTP2Frame.resetStream, stream: stream, length: 4, to: &reset)
            reset.writeInteger(UInt32(8))
            write(reset)
            needsFlush = true
        }
        let facts = call.facts
        var reply = Reply(code: .lost, isLate: facts.isLate, note: facts.note, body: call.body)
        if let status = facts.grpcStatus {
            reply.code = .grpc(status)
            if status == 0, call.received < 5 {
                reply.code = .grpc(13)
                reply.note = "status 0 without a message"
            }
        } else if let status = facts.httpStatus, status != 200 {
            reply.code = .http(status)
        } else {
            reply.note = "an answer without grpc-status"
        }
        finish(call, reply)
    }

    private func finish(_ call: Call, _ reply: Reply) {
        owner?.answered(call.flight, reply, on: self)
    }
}
