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
        let preparation = Preparation(call: call, servable: servable, front: front)
        guard preparation.isLarge else {
            return submit(preparation.prepare(), servable, call)
        }
        let connection = NIOLoopBound(self, eventLoop: context.eventLoop)
        let loop = context.eventLoop
        let number = callNumber
        Task {
            let prepared = preparation.prepare()
            loop.execute { connection.value.resume(prepared, preparation, number) }
        }
    }

    /// Goes on with a request that was decoded elsewhere, unless its client has gone meanwhile.
    private func resume(
        _ prepared: Result<Preparation.Prepared, WireError>,
        _ preparation: Preparation,
        _ number: UInt64
    ) {
        guard state == .answering, number == callNumber else { return }
        submit(prepared, preparation.servable, preparation.call)
        proceed()
    }

    private func fail(_ error: WireError) {
        // `proceed` is the caller's affair: this may run while a part is being handled.
        reply(self.error(error))
    }

    private func submit(
        _ prepared: Result<Preparation.Prepared, WireError>,
        _ servable: Servable,
        _ call: Call
    ) {
        guard let context else { return }
        switch prepared {
        case .failure(let error):
            servable.statistics.countInvalid()
            fail(error)
        case .success(let prepared):
            let exchange = HTTPExchange(
                prepared.bound,
                prepared.decoded,
                body: call.body,
                memory: prepared.memory,
                servable: servable,
                facts: call.facts,
                connection: NIOLoopBound(self, eventLoop: context.eventLoop),
                mailbox: front.mailbox(of: context.eventLoop)
            )
            submit(exchange, prepared.decoded)
        }
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

    // MARK: Reply

    /// Takes an exchange back that has ended, and answers its client if it is still there.
    func deliver(_ exchange: HTTPExchange) {
        guard self.exchange === exchange, state == .answering else { return }
        requestID = nil
        let keepsAlive = exchange.facts.keepsAlive && !closesAfterReply
        let ending = exchange.ending ?? .failed("the request ended without an ending")
        if let error = WireError(ending, model: exchange.servable.spec.name) {
            reply(withTrace(self.error(error), exchange))
            return proceed()
        }
        guard case .completed(let late, let predicted) = ending else { return }
        let load = exchange.facts.loadFormat.map { LoadMetrics.value(front.runtime.load(), $0) }
        guard InferReply.isLarge(exchange), let loop = context?.eventLoop else {
            var writer = InferReply(exchange, keepsAlive: keepsAlive, load: load)
            let written = writer.write(late: late, predicted: predicted, scratch: &scratch)
            send(written, exchange, keepsAlive)
            return proceed()
        }
        let number = callNumber
        let connection = exchange.connection
        Task {
            var storage: [UInt8] = []
            var writer = InferReply(exchange, keepsAlive: keepsAlive, load: load)
            let written = writer.write(late: late, predicted: predicted, scratch: &storage)
            loop.execute {
                guard connection.value.state == .answering, connection.value.callNumber == number
                else { return }
                connection.value.send(written, exchange, keepsAlive)
                connection.value.proceed()
            }
        }
    }

    private func send(
        _ written: Result<ByteBuffer, WireError>,
        _ exchange: HTTPExchange,
        _ keepsAlive: Bool
    ) {
        // One large JSON reply must not keep its storage for ever.
        if scratch.capacity > 64 << 10 { scratch = [] }
        switch written {
        case .success(let buffer): send(buffer, keepsAlive: keepsAlive)
        case .failure(let error): reply(withTrace(self.error(error), exchange))
        }
    }

    private func withTrace(_ reply: HTTPReply, _ exchange: HTTPExchange) -> HTTPReply {
        guard let parent = exchange.facts.traceparent else { return reply }
        var reply = reply
        reply.add("traceparent", parent)
        return reply
    }
}
