import NIOCore
import NIOPosix
import ServingDomain
import Transport
import Workloads

/// Runs a load against any server of the v2 protocol.
public struct LoadRunner: Sendable {
    /// What to run.
    public let configuration: LoadConfiguration

    /// Creates a runner.
    public init(_ configuration: LoadConfiguration) { self.configuration = configuration }

    /// Asks the server for the models' inputs, sends the load and sums up.
    ///
    /// When the surrounding task is cancelled, sending ends early, and the report covers what had
    /// been sent. Errors are `LoadError`s.
    ///
    /// - Parameter progress: Called twice a second, on the thread that also sends: keep it short.
    public func run(
        progress: (@Sendable (LoadProgress) -> Void)? = nil
    ) async throws -> LoadReport {
        try configuration.check()
        let address = try ServerAddress(parsing: configuration.url, for: configuration.transport)
        // One thread: the load shares its cores with the server that it measures.
        let group = EventLoops.single()
        let connector = Connector(
            address: address,
            transport: configuration.transport,
            loop: group.next()
        )
        do {
            let report = try await run(by: connector, progress: progress)
            try? await group.shutdownGracefully()
            return report
        } catch {
            try? await group.shutdownGracefully()
            throw error as? LoadError ?? LoadError("\(address.authority): \(error)")
        }
    }

    private func run(
        by connector: Connector,
        progress: (@Sendable (LoadProgress) -> Void)?
    ) async throws -> LoadReport {
        let facts = ModelFacts(connector: connector)
        var requests: [PreparedRequest] = []
        var regions: [SharedInputs] = []
        for (place, model) in configuration.models.enumerated() {
            let tensors = try tensors(of: model, at: place, try await facts.inputs(of: model))
            var region: SharedInputs?
            if configuration.payload == .shared {
                let shared = try SharedInputs(tensors)
                try await shared.register(HTTPRequests(address: connector.address), by: connector)
                regions.append(shared)
                region = shared
            }
            requests.append(try prepare(model, tensors, region, address: connector.address))
        }
        func forgetRegions() async {
            for region in regions {
                await region.unregister(HTTPRequests(address: connector.address), by: connector)
            }
        }
        do {
            let report = try await run(requests, facts, by: connector, progress: progress)
            await forgetRegions()
            return report
        } catch {
            await forgetRegions()
            throw error
        }
    }

    private func run(
        _ requests: [PreparedRequest],
        _ facts: ModelFacts,
        by connector: Connector,
        progress: (@Sendable (LoadProgress) -> Void)?
    ) async throws -> LoadReport {
        let before = await counts(facts)
        let stop = StopSwitch()
        let task = LoadDriver.Task(
            configuration: configuration,
            requests: requests,
            connector: connector,
            stop: stop,
            progress: progress
        )
        let results = try await withTaskCancellationHandler {
            try await LoadDriver.run(task)
        } onCancel: {
            stop.press()
        }
        let after = await counts(facts)
        let batches = zip(before, after).map { before, after -> Double? in
            guard let before, let after, after.executions > before.executions else { return nil }
            return Double(after.inferences &- before.inferences)
                / Double(after.executions - before.executions)
        }
        return LoadReport(of: results, configuration: configuration, meanBatches: batches)
    }

    private func tensors(
        of model: ModelLoad,
        at place: Int,
        _ inputs: [ModelInput]
    ) throws(LoadError) -> [InputTensor] {
        var factory = InputFactory(
            shapes: configuration.shapes,
            data: configuration.data,
            // Far from the streams of the arrivals.
            generator: SeededGenerator(seed: configuration.seed, stream: 1 << 32 + UInt64(place))
        )
        return try factory.tensors(for: inputs, of: model.name)
    }

    private func prepare(
        _ model: ModelLoad,
        _ tensors: [InputTensor],
        _ shared: SharedInputs?,
        address: ServerAddress
    ) throws -> PreparedRequest {
        switch configuration.transport {
        case .http:
            return try HTTPRequests(address: address)
                .infer(model, inputs: tensors, payload: configuration.payload, shared: shared)
        case .grpc:
            return try GRPCRequests(address: address).infer(model, inputs: tensors)
        }
    }

    private func counts(_ facts: ModelFacts) async -> [ModelFacts.Counts?] {
        var counts: [ModelFacts.Counts?] = []
        for model in configuration.models { counts.append(await facts.counts(of: model)) }
        return counts
    }
}
