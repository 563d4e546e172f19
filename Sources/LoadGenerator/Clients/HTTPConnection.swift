import Foundation
import NIOCore

/// An HTTP/1.1 connection with one request at a time.
final class HTTPConnection: WireConnection, ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private weak var owner: (any ConnectionOwner)?
    private var context: ChannelHandlerContext?
    private var flight: Flight?
    private var reader = HTTPResponseReader(keepsBody: false)
    private(set) var isClosing = false
    var isListed = false

    init(owner: any ConnectionOwner) { self.owner = owner }

    var room: Int { context != nil && flight == nil && !isClosing ? 1 : 0 }

    func send(_ request: PreparedRequest, for flight: Flight) {
        guard let context else { preconditionFailure("sent on a connection without room") }
        self.flight = flight
        reader = HTTPResponseReader(keepsBody: request.keepsBody)
        context.writeAndFlush(wrapOutboundOut(request.bytes), promise: nil)
    }

    func abandon() -> [Flight] {
        owner = nil
        isClosing = true
        // Taken first: closing may report the end of the connection before it returns.
        let flights = flight.map { [$0] } ?? []
        flight = nil
        context?.close(promise: nil)
        return flights
    }

    func channelActive(context: ChannelHandlerContext) {
        self.context = context
        owner?.hasRoom(self)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.context = nil
        if flight != nil, reader.end() {
            isClosing = true
            answer()
        }
        drop("the server closed the connection")
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        drop("connection broken: \(error)")
        context.close(promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var buffer = unwrapInboundIn(data)
        do {
            while flight != nil, buffer.readableBytes > 0 {
                let used = try buffer.withUnsafeReadableBytes { try reader.read($0) }
                buffer.moveReaderIndex(forwardBy: used)
                guard reader.isComplete else { continue }
                // Checked before the next request leaves, whose answer these bytes can't be.
                guard buffer.readableBytes == 0 else {
                    throw HTTPResponseReader.Malformed(reason: "it is longer than it says")
                }
                answer()
                return
            }
        } catch {
            let reason = (error as? HTTPResponseReader.Malformed)?.reason ?? "\(error)"
            drop("answer unreadable: " + reason)
            context.close(promise: nil)
            return
        }
        if buffer.readableBytes > 0 {
            drop("the server sent bytes that nobody asked for")
            context.close(promise: nil)
        }
    }

    private func answer() {
        guard let flight else { return }
        self.flight = nil
        var reply = Reply(code: .http(reader.status), isLate: reader.isLate)
        if reader.status != 200 { reply.note = Self.note(reader.body) }
        reply.body = reader.body
        isClosing = isClosing || reader.closes
        // Told first: closing tells the owner at once that the connection is lost.
        owner?.answered(flight, reply, on: self)
        if reader.closes { context?.close(promise: nil) }
    }

    private func drop(_ reason: String) {
        let flights = flight.map { [$0] } ?? []
        flight = nil
        isClosing = true
        let owner = owner
        self.owner = nil
        owner?.lost(self, with: flights, reason: reason)
    }

    /// What `{"error": "..."}` says, or the beginning of whatever else the body is.
    private static func note(_ body: [UInt8]) -> String {
        let parsed = try? JSONSerialization.jsonObject(with: Data(body))
        if let text = (parsed as? [String: Any])?["error"] as? String { return text }
        return String(decoding: body.prefix(200), as: UTF8.self)
    }
}
