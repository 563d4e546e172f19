import NIOCore
import OpenInference
import ServerRuntime
import ServingDomain

extension HTTPConnection {
    /// Decodes an inference request, holds it against its model and hands it to the runtime.
    func infer(_ name: String, _ version: Int64?, _ call: Call) {
        guard let context else { return }
        let servable: Servable
        do throws(LookupFailure) {
            servable = try front.runtime.servable(named: name, version: version)
        } catch {
            return fail(WireError(error, model: name, version: version))
        }
        do throws(WireError) {
            let decoded = try decode(call, servable)
            let bound = try decoded.bind(
                to: servable.signature,
                maxBatch: servable.spec.maxBatch,
                message: call.body
            )
            let memory = try SharedViews.find(
                bound,
                servable.signature,
                in: front.runtime.sharedMemory
            )
            let exchange = HTTPExchange(
                bound,
                decoded,
                body: call.body,
                memory: memory,
                servable: servable,
                facts: call.facts,
                connection: NIOLoopBound(self, eventLoop: context.eventLoop),
                mailbox: front.mailbox(of: context.eventLoop)
            )
            submit(exchange, decoded)
        } catch {
            servable.statistics.countInvalid()
            fail(error)
        }
    }

    private func fail(_ error: WireError) {
        // `proceed` is not called: this runs inside the handling of a part, whose caller goes on.
        reply(self.error(error))
    }

    private func submit(_ exchange: HTTPExchange, _ decoded: InferRequest) {
        self.exchange = exchange
        self.call?.body = BodyStore()
        let ticket = Ticket(
            items: exchange.request.items,
            shapes: InputShapes(exchange.request.dims),
            priority: decoded.options.priority,
            timeout: decoded.options.timeout,
            arrival: exchange.facts.arrival
        )
        let request = front.runtime.submit(exchange, to: exchange.servable, ticket)
        if self.exchange === exchange { requestID = request }
    }

    private func decode(_ call: Call, _ servable: Servable) throws(WireError) -> InferRequest {
        var limits = DecodingLimits()
        limits.convertedBytes = front.configuration.maxInputSize
        let total = call.body.count
        let length = call.facts.inferenceHeader ?? total
        guard (0...total).contains(length) else {
            throw WireError(
                .invalidArgument,
                "Inference-Header-Content-Length must be a number from 0 to the body's \(total)"
            )
        }
        if call.facts.inferenceHeader == 0 {
            return try RawInferDecoder.decode(bodyLength: total, signature: servable.signature)
        }
        let result: Result<InferRequest, WireError> = call.body.withFirst(length) { header in
            do throws(WireError) {
                return .success(
                    try JSONInferDecoder.decode(header, bodyLength: total, limits: limits)
                )
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    // MARK: Reply

    /// Takes an exchange back that has ended, and answers its client if it is still there.
    func deliver(_ exchange: HTTPExchange) {
        guard self.exchange === exchange, state == .answering else { return }
        requestID = nil
        let keepsAlive = exchange.facts.keepsAlive && !closesAfterReply
        let ending = exchange.ending ?? .failed("the request ended without an ending")
        do throws(WireError) {
            if let error = WireError(ending, model: exchange.servable.spec.name) { throw error }
            guard case .completed(let late, let predicted) = ending else { return }
            var writer = InferReply(exchange, keepsAlive: keepsAlive)
            let buffer = try writer.write(late: late, predicted: predicted, scratch: &scratch)
            // One large JSON reply must not keep its storage for ever.
            if scratch.capacity > 64 << 10 { scratch = [] }
            send(buffer, keepsAlive: keepsAlive)
        } catch {
            reply(withTrace(self.error(error), exchange))
        }
        proceed()
    }

    private func withTrace(_ reply: HTTPReply, _ exchange: HTTPExchange) -> HTTPReply {
        guard let parent = exchange.facts.traceparent else { return reply }
        var reply = reply
        reply.add("traceparent", parent)
        return reply
    }
}
