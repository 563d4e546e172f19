import NIOCore

/// The bytes of a request, put together once and sent many times.
struct PreparedRequest: Sendable {
    /// HTTP: the whole request. gRPC: the message with its five bytes of prefix.
    var bytes: ByteBuffer
    /// gRPC: what goes into HEADERS; HTTP: nil.
    var headers: HeaderBlocks?
    /// Whether the answer's body is wanted; the answer to an inference is only counted.
    var keepsBody: Bool
}
