import NIOCore
import NIOHTTP2
import ServerRuntime
import ServingDomain
import Synchronization
import WireMessages

/// Loading, unloading and the index, which reads folders: calls that run beside the event loop.
extension ConnectionHandler {
    /// Starts a load or an unload; the reply comes when it is done.
    func startControl(_ stream: CallStream, _ message: Message) throws(Status) {
        guard let context else { return }
        let order = try ControlOrder(stream.head.method, message)
        let limit = shared.configuration.maxControlCalls
        let running = shared.controlCalls.wrappingAdd(1, ordering: .relaxed).newValue
        guard running <= limit else {
            shared.controlCalls.wrappingSubtract(1, ordering: .relaxed)
            throw Status(
                .resourceExhausted,
                "\(limit) loads and unloads are running, the limit; try again later"
            )
        }
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        let (id, loop, shared) = (stream.id, context.eventLoop, self.shared)
        Task {
            let status = await order.carryOut(shared)
            shared.controlCalls.wrappingSubtract(1, ordering: .relaxed)
            loop.execute { bound.value.controlEnded(id, status) }
        }
    }

    /// Starts to list the repository's models.
    func startIndex(_ stream: CallStream, _ message: Message) throws(Status) {
        guard let context else { return }
        let request: Inference_RepositoryIndexRequest = try message.parsed()
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        let (id, loop, services) = (stream.id, context.eventLoop, UnaryServices(shared: shared))
        Task {
            let reply: Result<ReplyMessage, Status>
            do throws(Status) {
                reply = .success(try ReplyMessage(services.repositoryIndex(request)))
            } catch {
                reply = .failure(error)
            }
            loop.execute { bound.value.callEnded(id, reply) }
        }
    }

    private func controlEnded(_ id: HTTP2StreamID, _ status: Status) {
        // Both replies are messages without fields.
        callEnded(id, status.code == .ok ? .success(ReplyMessage(capacity: 0)) : .failure(status))
    }

    private func callEnded(_ id: HTTP2StreamID, _ reply: Result<ReplyMessage, Status>) {
        guard let stream = streams[id], !stream.outputEnded else { return }
        switch reply {
        case .success(let message): respond(stream, message)
        case .failure(let status): finish(stream, status)
        }
        flushIfNeeded()
    }
}

/// What a client wants loaded or unloaded.
enum ControlOrder: Sendable {
    case load(String, LoadOverride?)
    case unload(String, dependents: Bool)

    /// Reads the message of a load or unload call.
    init(_ method: Method?, _ message: Message) throws(Status) {
        if method == .repositoryModelUnload {
            let request: Inference_RepositoryModelUnloadRequest = try message.parsed()
            try RepositoryName.check(request.repositoryName)
            let dependents = request.parameters["unload_dependents"]?.boolParam ?? false
            self = .unload(request.modelName, dependents: dependents)
        } else {
            let request: Inference_RepositoryModelLoadRequest = try message.parsed()
            try RepositoryName.check(request.repositoryName)
            self = .load(request.modelName, try Self.override(in: request))
        }
    }

    /// Does it, and says how it ended.
    func carryOut(_ shared: FrontContext) async -> Status {
        do throws(SourceError) {
            switch self {
            case .load(let name, let override):
                try await shared.runtime.load(name, override: override)
            case .unload(let name, let dependents):
                try await shared.runtime.unload(name, dependents: dependents)
            }
            return .ok
        } catch {
            return shared.statuses.status(error)
        }
    }

    /// The configuration and the files (`file:<version>/<name>`) that came with a load.
    private static func override(
        in request: Inference_RepositoryModelLoadRequest
    ) throws(Status) -> LoadOverride? {
        var config: String?
        var files: [String: [UInt8]] = [:]
        for (name, value) in request.parameters {
            switch value.parameterChoice {
            case .stringParam(let text) where name == "config": config = text
            case .bytesParam(let bytes) where name.hasPrefix("file:"):
                files[String(name.dropFirst("file:".count))] = [UInt8](bytes)
            default:
                throw Status(
                    .invalidArgument,
                    "load parameter '\(name)' is unknown or of the wrong type; 'config' takes"
                        + " text, 'file:<version>/<name>' takes bytes"
                )
            }
        }
        guard files.isEmpty || config != nil else {
            throw Status(.invalidArgument, "files come with a load, but no 'config'; send both")
        }
        return config.map { LoadOverride(config: $0, files: files) }
    }
}
