import OpenInference
import ServerRuntime
import ServingDomain

/// Every endpoint but inference and health: called rarely, may take their time.
struct AdminEndpoints: Sendable {
    let runtime: ServingRuntime
    let configuration: HTTPConfiguration

    /// The reply of a route.
    func answer(_ route: Route, isPost: Bool, body: [UInt8]) async -> HTTPReply {
        do throws(WireError) {
            switch route {
            case .repository(let call, let name): return try await change(name, call, body)
            default: return try answerNow(route, isPost, body)
            }
        } catch {
            return .error(error, compat: configuration.tritonCompatErrors)
        }
    }

    private func answerNow(
        _ route: Route,
        _ isPost: Bool,
        _ body: [UInt8]
    ) throws(WireError) -> HTTPReply {
        switch route {
        case .server: return server()
        case .model(.metadata, let name, let version): return try metadata(name, version)
        case .model(.config, let name, let version):
            return HTTPReply(body: try servable(name, version).configJSON)
        case .model(.statistics, let name, let version): return try statistics(name, version)
        case .allStatistics: return .json { StatisticsJSON.write(runtime.servables(), to: &$0) }
        case .trace(let model): return try trace(model, isPost ? body : nil)
        case .logging: return try logging(isPost ? body : nil)
        case .plan: return try plan(isPost ? body : nil)
        case .devices: return devices()
        case .device(let name, let isBack): return try device(name, isBack: isBack)
        case .index: return try index(body)
        case .namedRepository:
            throw WireError(
                .unsupported,
                "repositories have no names here; leave the name out of the path"
            )
        case .memory(.system, let call, let region): return try memory(call, region, body)
        case .memory(.cuda, let call, let region): return try cudaMemory(call, region)
        case .metrics:
            return HTTPReply(
                contentType: "text/plain; charset=utf-8",
                body: runtime.metricsText()
            )
        case .live, .ready, .model, .repository:
            throw WireError(.internalFault, "the route leads elsewhere")
        }
    }

    // MARK: Server and models

    private func server() -> HTTPReply {
        .json { writer in
            writer.beginObject()
            writer.key("name")
            writer.string(configuration.serverName)
            writer.key("version")
            writer.string(configuration.serverVersion)
            writer.key("extensions")
            writer.beginArray()
            for word in HTTPConfiguration.extensions { writer.string(word) }
            writer.endArray()
            writer.endObject()
        }
    }

    func servable(_ name: String, _ version: Int64?) throws(WireError) -> Servable {
        do throws(LookupFailure) {
            return try runtime.servable(named: name, version: version)
        } catch {
            throw WireError(error, model: name, version: version)
        }
    }

    private func metadata(_ name: String, _ version: Int64?) throws(WireError) -> HTTPReply {
        let servable = try servable(name, version)
        let versions =
            version.map { [$0] }
            ?? runtime.servables().filter { $0.spec.name == name }.map(\.spec.version)
        return .json { writer in
            writer.beginObject()
            writer.key("name")
            writer.string(name)
            writer.key("versions")
            writer.beginArray()
            for version in versions { writer.string(String(version)) }
            writer.endArray()
            writer.key("platform")
            writer.string(servable.platform)
            writer.key("inputs")
            write(servable.signature.inputs, servable.signature.batched, &writer)
            writer.key("outputs")
            write(servable.signature.outputs, servable.signature.batched, &writer)
            writer.endObject()
        }
    }

    private func write(_ tensors: [TensorSpec], _ batched: Bool, _ writer: inout JSONWriter) {
        writer.beginArray()
        for tensor in tensors {
            writer.beginObject()
            writer.key("name")
            writer.string(tensor.name)
            writer.key("datatype")
            writer.string(tensor.type.name)
            writer.key("shape")
            writer.beginArray()
            if batched { writer.number(-1) }
            for dimension in tensor.dims { writer.number(dimension) }
            writer.endArray()
            writer.endObject()
        }
        writer.endArray()
    }

    private func statistics(_ name: String, _ version: Int64?) throws(WireError) -> HTTPReply {
        // Triton answers 400 here, unlike for metadata.
        let found = runtime.servables().filter {
            $0.spec.name == name && (version == nil || version == $0.spec.version)
        }
        guard !found.isEmpty else {
            throw WireError(
                .invalidArgument,
                "model '\(name)'\(version.map { " version \($0)" } ?? "") is not available"
            )
        }
        return .json { StatisticsJSON.write(found, to: &$0) }
    }
}
