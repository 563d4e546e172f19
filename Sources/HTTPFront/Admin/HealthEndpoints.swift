import OpenInference
import ServerRuntime

/// Health of the server and of models: answered on the event loop, since probes come often.
///
/// The bodies are those of KServe's own server; Triton's clients look at the status only.
struct HealthEndpoints {
    let runtime: ServingRuntime
    let configuration: HTTPConfiguration

    /// The reply of a health route.
    func answer(_ route: Route?) -> HTTPReply {
        switch route {
        case .live: return flag("live")
        case .ready: return ready()
        case .model(.ready, let name, let version): return modelReady(name, version)
        default: preconditionFailure("\(String(describing: route)) is no health route")
        }
    }

    private func flag(_ key: StaticString) -> HTTPReply {
        .json { writer in
            writer.beginObject()
            writer.key(key)
            writer.flag(true)
            writer.endObject()
        }
    }

    private func ready() -> HTTPReply {
        guard !runtime.isReady else { return flag("ready") }
        let isLeaving = runtime.phase == .draining
        return .error(
            isLeaving
                ? WireError(.unavailable, "the server is going down")
                : WireError(.invalidArgument, "the server is not ready yet"),
            compat: configuration.tritonCompatErrors
        )
    }

    private func modelReady(_ name: String, _ version: Int64?) -> HTTPReply {
        guard (try? runtime.servable(named: name, version: version)) != nil else {
            return .error(
                WireError(.invalidArgument, "Model version not ready"),
                compat: configuration.tritonCompatErrors
            )
        }
        return .json { writer in
            writer.beginObject()
            writer.key("name")
            writer.string(name)
            writer.key("ready")
            writer.flag(true)
            writer.endObject()
        }
    }
}
