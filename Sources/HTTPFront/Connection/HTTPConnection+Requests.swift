import NIOCore
import NIOHTTP1
import OpenInference
import ServerRuntime
import ServingDomain

extension HTTPConnection {
    // MARK: Head

    /// Takes a request's head: decides where it leads and whether its body is wanted at all.
    func begin(_ head: HTTPRequestHead, at arrival: Instant) {
        callNumber &+= 1
        let facts = RequestFacts(head, arrival: arrival)
        let route = route(of: head.uri)
        var call = Call(facts: facts, route: route)
        call.refusal = refusal(head, facts, route)
        self.call = call
        let limit = front.configuration.maxInputSize
        if facts.expectsOther {
            var reply = error(WireError(.invalidArgument, "only 'Expect: 100-continue' is known"))
            reply.status = 417
            return abandon(with: reply)
        }
        if let length = facts.contentLength, length > limit {
            return abandon(with: error(Self.tooLarge(length, limit)))
        }
        if facts.expectsContinue {
            // A client that asks first need not send a body that is not wanted.
            if let refusal = call.refusal { return abandon(with: refusal) }
            send(interim: "HTTP/1.1 100 Continue\r\n\r\n")
        }
        switch facts.encoding {
        case .gzip, .deflate: inflater = Inflater(limit: limit)
        case .identity, .unknown: inflater = nil
        }
    }

    private func route(of target: String) -> Route? {
        if let lastRoute, target == lastTarget { return lastRoute }
        let route = Router.route(target, metricsOnly: role == .metrics)
        lastTarget = target
        lastRoute = route
        return route
    }

    /// The reply that the head alone earns; nil = the request may go on.
    private func refusal(
        _ head: HTTPRequestHead,
        _ facts: RequestFacts,
        _ route: Route?
    ) -> HTTPReply? {
        let configuration = front.configuration
        guard let route else { return error(WireError(.notFound, "Not Found")) }
        guard route.takes(facts.method) else {
            var reply = error(WireError(.methodNotAllowed, "Method Not Allowed"))
            reply.add("Allow", route.verbs)
            return reply
        }
        if let group = route.group {
            guard configuration.allowed.contains(group) else {
                return error(WireError(.notFound, "Not Found"))
            }
            for restriction in configuration.restrictions
            where restriction.groups.contains(group) {
                guard head.headers.first(name: restriction.header) == restriction.value else {
                    return error(
                        WireError(
                            .forbidden,
                            "this API is restricted, expecting header '\(restriction.header)'"
                        )
                    )
                }
            }
        }
        guard facts.encoding != .unknown else {
            var reply = error(
                WireError(.unsupported, "Content-Encoding must be gzip, deflate or identity")
            )
            reply.add("Accept-Encoding", "gzip, deflate")
            return reply
        }
        if case .model(.infer, _, _) = route, !front.runtime.hasRoom {
            return error(
                WireError(.unavailable, "the request table is full; try again later")
            )
        }
        return nil
    }

    // MARK: Body

    /// Takes a piece of the body.
    func take(body piece: ByteBuffer) {
        guard call != nil else { return }
        let limit = front.configuration.maxInputSize
        call?.received += piece.readableBytes
        if let received = call?.received, received > limit {
            return abandon(with: error(Self.tooLarge(received, limit)))
        }
        guard call?.refusal == nil else { return }
        guard let inflater else {
            let expected = call?.facts.contentLength
            call?.body.append(piece, expected: expected)
            return
        }
        // Taken out while it grows, so that its storage has one owner.
        var body = BodyStore()
        if let taken = call?.takeBody() { body = taken }
        do throws(WireError) {
            try inflater.take(piece, into: &body)
            call?.body = body
        } catch {
            abandon(with: self.error(error))
        }
    }

    private static func tooLarge(_ size: Int, _ limit: Int) -> WireError {
        WireError(
            .tooLarge,
            "the body takes \(size) bytes or more, the limit is \(limit) (--http-max-input-size)"
        )
    }

    // MARK: End

    /// All of the request is here: answers it, or has it answered.
    func finishRequest() {
        guard let call else { return }
        if let refusal = call.refusal { return reply(refusal) }
        if let inflater {
            do throws(WireError) {
                try inflater.finish()
            } catch {
                return reply(self.error(error))
            }
        }
        switch call.route {
        case nil: reply(error(WireError(.notFound, "Not Found")))
        case .model(.infer, let name, let version):
            state = .answering
            infer(name, version, call)
        case .model(.generate, _, _):
            reply(error(WireError(.unsupported, "generate is not served; use infer")))
        case .live, .ready, .model(.ready, _, _):
            let health = HealthEndpoints(runtime: front.runtime, configuration: front.configuration)
            reply(health.answer(call.route))
        case .some(let route):
            state = .answering
            answer(route, call)
        }
    }

    /// Has an endpoint answer that may take its time, away from the event loop.
    private func answer(_ route: Route, _ call: Call) {
        guard let loop = context?.eventLoop else { return }
        let endpoints = AdminEndpoints(runtime: front.runtime, configuration: front.configuration)
        let connection = NIOLoopBound(self, eventLoop: loop)
        let number = callNumber
        let isPost = call.facts.method == .POST
        let body = call.body.array
        Task {
            let reply = await endpoints.answer(route, isPost: isPost, body: body)
            loop.execute { connection.value.deliver(reply, to: number) }
        }
    }

    private func deliver(_ reply: HTTPReply, to number: UInt64) {
        guard state == .answering, number == callNumber else { return }
        self.reply(reply)
        proceed()
    }

    /// Sends the reply to the present request.
    func reply(_ reply: HTTPReply) {
        let keepsAlive = call?.facts.keepsAlive == true && !closesAfterReply
        send(encode(compressed(reply), keepsAlive: keepsAlive), keepsAlive: keepsAlive)
    }

    private func compressed(_ reply: HTTPReply) -> HTTPReply {
        guard let accepted = call?.facts.accepted, accepted != .identity else { return reply }
        let shorter = reply.body.withUnsafeBytes {
            Deflater.compress($0, gzip: accepted == .gzip)
        }
        guard let shorter else { return reply }
        var reply = reply
        reply.body = shorter
        reply.add("Content-Encoding", accepted == .gzip ? "gzip" : "deflate")
        return reply
    }

    /// The reply to an error.
    func error(_ error: WireError) -> HTTPReply {
        .error(error, compat: front.configuration.tritonCompatErrors)
    }
}
