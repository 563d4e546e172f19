import Logging
import NIOCore
import NIOHTTP2
import ServerRuntime
import ServingDomain

/// What goes to the client: messages, statuses, resets.
///
/// Nothing here flushes: whoever began the round does, once.
extension ConnectionHandler {
    /// A request has ended; its reply is due, or waits for those before it.
    func deliver(_ exchange: InferExchange) {
        exchange.isDelivered = true
        guard let stream = streams[exchange.stream], !stream.outputEnded else { return }
        guard exchange.isStreamed else {
            stream.exchange = nil
            answer(stream, exchange)
            return
        }
        pumpAnswers(stream)
        // Requests that waited for a place start now.
        if !stream.outputEnded { process(stream) }
        if !stream.outputEnded { widen(stream) }
    }

    /// Answers the one request of a unary call.
    private func answer(_ stream: CallStream, _ exchange: InferExchange) {
        switch exchange.result(statuses: shared.statuses) {
        case .success(let reply): respond(stream, reply, exchange.metadata)
        case .failure(let status): finish(stream, status, exchange.metadata)
        }
    }

    /// Writes one answer of a stream of inferences.
    func respond(_ stream: CallStream, _ answer: StreamedAnswer) {
        let failure: Status
        let name: String
        switch answer {
        case .failed(let status, let id): (failure, name) = (status, id)
        case .running(let exchange):
            switch exchange.result(statuses: shared.statuses) {
            case .success(let reply):
                send(stream, reply)
                return
            case .failure(let status): (failure, name) = (status, exchange.name)
            }
        }
        guard !stream.head.wantsTrueStatus else {
            finish(stream, failure)
            return
        }
        send(stream, ReplyMessage.streamError(failure, id: name))
    }

    /// Answers a unary call: head, message, trailers.
    func respond(
        _ stream: CallStream,
        _ reply: ReplyMessage,
        _ metadata: ReplyMetadata = .none
    ) {
        send(stream, reply)
        finish(stream, .ok, metadata)
    }

    /// Writes a message, after the head where that has not been written.
    ///
    /// A client that has let more pile up than it may loses the stream.
    func send(_ stream: CallStream, _ reply: ReplyMessage) {
        guard !stream.outputEnded else { return }
        let bytes = reply.framed(stream.head.replyEncoding)
        let limit = shared.configuration.maxQueuedReplyBytes
        guard queuedBytes == 0 || queuedBytes + bytes.readableBytes <= limit else {
            shared.logger.debug("gRPC connection: \(queuedBytes) reply bytes unread, stream reset")
            reset(stream, .enhanceYourCalm)
            return
        }
        if !stream.headWritten {
            stream.headWritten = true
            write(stream.id, ReplyFrames.head(stream.head.replyEncoding))
        }
        stream.queuedBytes += bytes.readableBytes
        queuedBytes += bytes.readableBytes
        write(stream.id, .data(.init(data: .byteBuffer(bytes), endStream: false)))
    }

    /// Ends a call with a status.
    func finish(
        _ stream: CallStream,
        _ status: Status,
        _ metadata: ReplyMetadata = .none
    ) {
        guard !stream.outputEnded else { return }
        close(stream)
        write(
            stream.id,
            stream.headWritten
                ? ReplyFrames.trailers(status, metadata)
                : ReplyFrames.trailersOnly(status, metadata)
        )
    }

    /// Ends what is no gRPC call with an HTTP status.
    func finish(_ stream: CallStream, http code: Int) {
        close(stream)
        write(stream.id, ReplyFrames.http(code))
    }

    /// Ends a call without an answer.
    func reset(_ stream: CallStream, _ code: HTTP2ErrorCode) {
        guard !stream.outputEnded else { return }
        close(stream)
        write(stream.id, .rstStream(code))
    }

    private func close(_ stream: CallStream) {
        stream.outputEnded = true
        stream.outputEndTime = stream.queuedBytes > 0 ? ServingRuntime.now() : nil
        if stream.watched != nil { stopWatching(stream) }
        cancelRequests(of: stream)
        release(stream)
    }
}
