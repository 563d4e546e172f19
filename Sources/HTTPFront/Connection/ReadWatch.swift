import NIOCore

/// Sits before the decoder and tells the connection that bytes have come, so that a head that
/// comes byte by byte is noticed.
final class ReadWatch: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let connection: HTTPConnection

    init(_ connection: HTTPConnection) { self.connection = connection }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        connection.watch.hasRead()
        context.fireChannelRead(data)
    }
}
