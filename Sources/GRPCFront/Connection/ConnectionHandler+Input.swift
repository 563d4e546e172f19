import NIOCore
import NIOHPACK
import NIOHTTP2
import ServerRuntime
import ServingDomain

/// What comes from the client: heads, bytes, ends; and what they call.
extension ConnectionHandler {
    /// Headers have come: a new call, or the client's trailers.
    func received(_ headers: HPACKHeaders, endStream: Bool, on id: HTTP2StreamID) {
        if let stream = streams[id] {
            if endStream { inputEnded(of: stream) }
            return
        }
        let stream = CallStream(
            id: id,
            head: CallHead(headers),
            arrival: ServingRuntime.now(),
            configuration: shared.configuration
        )
        streams[id] = stream
        stream.inputEnded = endStream
        if let answer = refusal(of: stream.head) {
            refuse(stream, answer)
        } else if endStream {
            process(stream)
        }
    }

    /// Bytes of a call have come.
    func received(_ bytes: ByteBuffer, endStream: Bool, on id: HTTP2StreamID) {
        guard let stream = streams[id] else { return }
        // What comes after the answer is read and thrown away.
        guard !stream.outputEnded else {
            if endStream { stream.inputEnded = true }
            return
        }
        stream.heldBytes += bytes.readableBytes
        shared.budget.take(bytes.readableBytes)
        stream.assembler.append(bytes)
        if endStream {
            inputEnded(of: stream)
        } else {
            process(stream)
        }
    }

    private func inputEnded(of stream: CallStream) {
        stream.inputEnded = true
        if !stream.outputEnded { process(stream) }
    }

    /// Makes of the bytes that are here what can be made of them.
    func process(_ stream: CallStream) {
        do throws(Status) {
            if stream.head.method == .modelStreamInfer {
                try processStreamed(stream)
            } else {
                try processUnary(stream)
            }
        } catch {
            finish(stream, error)
        }
    }

    // MARK: Unary calls

    private func processUnary(_ stream: CallStream) throws(Status) {
        while case .message(let message, let compressed) = try stream.assembler.next() {
            guard stream.message == nil, !stream.isCalled else {
                throw Status(.unimplemented, "this method takes one message, a second one came")
            }
            stream.message = try unpacked(message, compressed, of: stream)
        }
        guard stream.inputEnded, !stream.isCalled else { return }
        guard stream.assembler.isBetweenMessages else {
            throw Status(.internalError, "the stream ended in the middle of a message")
        }
        guard let message = stream.message else {
            throw Status(.unimplemented, "this method takes one message, none came")
        }
        stream.isCalled = true
        stream.message = nil
        try call(stream, message)
        // Inferences keep their bytes with them; all others have read theirs by now.
        release(stream)
    }

    private func call(_ stream: CallStream, _ message: Message) throws(Status) {
        switch stream.head.method {
        case .modelInfer:
            var name = ""
            let exchange = try makeExchange(
                message,
                for: stream,
                arrival: stream.arrival,
                id: &name
            )
            hand(stream.heldBytes, of: stream, to: exchange)
            stream.exchange = exchange
            submit(exchange)
        case .healthWatch: try startWatching(stream, message)
        case .repositoryModelLoad, .repositoryModelUnload: try startControl(stream, message)
        case .repositoryIndex: try startIndex(stream, message)
        case .some(let method):
            let reply = try UnaryServices(shared: shared).call(method, message)
            respond(stream, reply)
        case nil: throw Status(.unimplemented, "no such method: \(stream.head.path)")
        }
    }

    // MARK: Streams of inferences

    private func processStreamed(_ stream: CallStream) throws(Status) {
        let limit = shared.configuration.maxRequestsPerStream
        var mayHoldMore = true
        while mayHoldMore, !stream.outputEnded {
            while stream.owed.count < limit, !stream.outputEnded {
                guard case .message(let packed, let compressed) = try stream.assembler.next()
                else { break }
                let size = packed.count + MessageAssembler.prefixLength
                let message = try unpacked(packed, compressed, of: stream)
                try startStreamed(message, size: size, on: stream)
            }
            let wasFull = stream.owed.count >= limit
            pumpAnswers(stream)
            mayHoldMore = wasFull && stream.owed.count < limit
        }
        guard !stream.outputEnded, stream.inputEnded, stream.owed.isEmpty else { return }
        guard stream.assembler.isBetweenMessages else {
            throw Status(.internalError, "the stream ended in the middle of a message")
        }
        finish(stream, .ok)
    }

    private func startStreamed(
        _ message: Message,
        size: Int,
        on stream: CallStream
    ) throws(Status) {
        var name = ""
        do throws(Status) {
            let exchange = try makeExchange(
                message,
                for: stream,
                arrival: ServingRuntime.now(),
                id: &name
            )
            hand(size, of: stream, to: exchange)
            stream.owed.append(.running(exchange))
            submit(exchange)
        } catch {
            hand(size, of: stream, to: nil)
            guard !stream.head.wantsTrueStatus else { throw error }
            stream.owed.append(.failed(error, id: name))
        }
    }

    /// Writes the answers that are due: those at the front whose requests have ended.
    func pumpAnswers(_ stream: CallStream) {
        var written = 0
        for answer in stream.owed {
            if case .running(let exchange) = answer, !exchange.isDelivered { break }
            written += 1
        }
        let due = stream.owed.prefix(written)
        stream.owed.removeFirst(written)
        for answer in due where !stream.outputEnded { respond(stream, answer) }
    }

    // MARK: Both

    /// Moves bytes from a call's account to its request's; without one they are given back.
    private func hand(_ count: Int, of stream: CallStream, to exchange: InferExchange?) {
        let moved = min(count, stream.heldBytes)
        stream.heldBytes -= moved
        if let exchange {
            exchange.heldBytes += moved
        } else {
            shared.budget.give(moved)
        }
    }

    private func submit(_ exchange: InferExchange) {
        exchange.request = shared.runtime.submit(exchange, to: exchange.servable, exchange.ticket)
    }

    private func unpacked(
        _ message: Message,
        _ compressed: Bool,
        of stream: CallStream
    ) throws(Status) -> Message {
        guard compressed else { return message }
        guard stream.head.encoding != .identity else {
            throw Status(.internalError, "a compressed message without a grpc-encoding")
        }
        let plain = try MessageCompression.unpack(
            message,
            limit: shared.configuration.maxMessageBytes
        )
        let grown = plain.count - message.count
        if grown > 0 {
            stream.heldBytes += grown
            shared.budget.take(grown)
        }
        return plain
    }

    // MARK: Refusals by the head alone

    private func refusal(of head: CallHead) -> CallHead.HeadRefusal? {
        if let refusal = head.refusal { return refusal }
        guard head.method != nil else {
            return .status(Status(.unimplemented, "no such method: \(head.path.prefix(256))"))
        }
        guard head.encoding != nil else {
            return .status(
                Status(
                    .unimplemented,
                    "messages may be packed as \(MessageEncoding.offered); nothing else is known"
                )
            )
        }
        return nil
    }

    private func refuse(_ stream: CallStream, _ refusal: CallHead.HeadRefusal) {
        switch refusal {
        case .status(let status): finish(stream, status)
        case .badVerb: finish(stream, http: 405)
        case .badContentType: finish(stream, http: 415)
        }
    }
}
