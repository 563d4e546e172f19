import NIOCore
import NIOHTTP2
import ServerRuntime
import ServingDomain
import SwiftProtobuf
import WireMessages

/// What `grpc.health.v1` says: the empty name asks for the server, a model's name for the model.
enum Health {
    typealias ServingStatus = Grpc_Health_V1_HealthCheckResponse.ServingStatus

    /// The state of a service; `serviceUnknown` where there is none of that name.
    static func state(of service: String, _ runtime: ServingRuntime) -> ServingStatus {
        if service.isEmpty || service == "inference.GRPCInferenceService" {
            return runtime.isReady ? .serving : .notServing
        }
        do throws(LookupFailure) {
            _ = try runtime.servable(named: service, version: nil)
            return runtime.phase == .draining ? .notServing : .serving
        } catch {
            switch error {
            case .unknownModel, .unknownVersion: return .serviceUnknown
            case .notReady: return .notServing
            }
        }
    }

    /// A reply that says a state.
    static func reply(_ state: ServingStatus) throws(Status) -> ReplyMessage {
        try ReplyMessage(Grpc_Health_V1_HealthCheckResponse.with { $0.status = state })
    }
}

extension UnaryServices {
    /// Answers `Check`.
    func healthCheck(
        _ request: Grpc_Health_V1_HealthCheckRequest
    ) throws(Status) -> Grpc_Health_V1_HealthCheckResponse {
        let state = Health.state(of: request.service, runtime)
        guard state != .serviceUnknown else {
            throw Status(.notFound, "no model '\(request.service.prefix(256))'")
        }
        return .with { $0.status = state }
    }
}

/// `Watch`: the state at once, then every change, until the client goes.
extension ConnectionHandler {
    /// Begins to tell a client about a state.
    func startWatching(_ stream: CallStream, _ message: Message) throws(Status) {
        let request: Grpc_Health_V1_HealthCheckRequest = try message.parsed()
        let state = Health.state(of: request.service, shared.runtime)
        stream.watched = WatchedHealth(service: request.service, told: state)
        send(stream, try Health.reply(state))
        guard !stream.outputEnded else { return }
        watchers.insert(stream.id)
        guard watchTimer == nil, let context else { return }
        let period = TimeAmount.nanoseconds(shared.configuration.watchInterval.nanoseconds)
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        watchTimer = context.eventLoop.scheduleRepeatedTask(initialDelay: period, delay: period) {
            _ in bound.value.tellWatchers()
        }
    }

    /// Forgets a watcher; the timer ends with the last one.
    func stopWatching(_ stream: CallStream) {
        stream.watched = nil
        watchers.remove(stream.id)
        guard watchers.isEmpty else { return }
        watchTimer?.cancel()
        watchTimer = nil
    }

    private func tellWatchers() {
        for id in Array(watchers) {
            guard let stream = streams[id], let watched = stream.watched else { continue }
            let state = Health.state(of: watched.service, shared.runtime)
            // One who does not read is told the latest state once there is nothing unread.
            guard state != watched.told, stream.queuedBytes == 0 else { continue }
            stream.watched?.told = state
            do throws(Status) {
                send(stream, try Health.reply(state))
            } catch {
                finish(stream, error)
            }
        }
        flushIfNeeded()
    }
}
