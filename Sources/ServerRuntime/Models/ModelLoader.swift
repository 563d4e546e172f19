import Logging
import ServerCore
import ServingDomain
import Synchronization

/// Loads and unloads models, one after the other, on a thread of low priority.
///
/// A new version is loaded and warmed beside the old one, takes over the name in one step, and
/// only then the old one is removed; requests on their way are sent to the new one. So a reload
/// under traffic fails no request.
final class ModelLoader: Sendable {
    /// The longest that a model's instances may take to start.
    static let patience = TimeSpan.seconds(600)

    private let source: any ModelSource
    private let engine: any Engine
    let registry: ModelRegistry
    let driver: CoreDriver
    private let devices: [DeviceSpec]
    private let knowledge: (any ModelKnowledge)?
    let logger: Logger
    private let jobs = Mutex<[@Sendable () -> Void]>([])
    private let bell = Doorbell()
    private let stopped = Atomic<Bool>(false)

    init(
        source: any ModelSource,
        engine: any Engine,
        registry: ModelRegistry,
        driver: CoreDriver,
        devices: [DeviceSpec] = [],
        knowledge: (any ModelKnowledge)? = nil,
        logger: Logger
    ) {
        self.source = source
        self.engine = engine
        self.registry = registry
        self.driver = driver
        self.devices = devices
        self.knowledge = knowledge
        self.logger = logger
    }

    /// Starts the thread.
    func start() {
        SystemThread.start("sluice-loader", urgency: .background) { [self] in
            while true {
                bell.wait()
                if stopped.load(ordering: .acquiring) { return }
                let job = jobs.withLock { $0.isEmpty ? nil : $0.removeFirst() }
                if let job { ClassUrgency.loading(job) }
            }
        }
    }

    /// Ends the thread after the present job.
    func stop() {
        stopped.store(true, ordering: .releasing)
        bell.ring()
    }

    /// Runs a job on the loader's thread and waits for it without blocking.
    func perform<Answer: Sendable>(
        _ job: @escaping @Sendable () -> Result<Answer, SourceError>
    ) async -> Result<Answer, SourceError> {
        await withCheckedContinuation { continuation in
            jobs.withLock { $0.append { continuation.resume(returning: job()) } }
            bell.ring()
        }
    }

    // MARK: Jobs (on the loader's thread)

    /// Loads every version of a model that is to be served, or loads it anew.
    func load(_ name: String, _ override: LoadOverride?) -> Result<Void, SourceError> {
        load(name, override, within: [])
    }

    /// Loads a model unless it answers already, as a step of an ensemble may.
    func loadOnce(_ name: String) -> Result<Void, SourceError> {
        if (try? registry.servable(named: name, version: nil)) != nil { return .success(()) }
        return load(name, nil)
    }

    /// - Parameter ensembles: Those whose steps are being loaded, the outermost first.
    func load(
        _ name: String,
        _ override: LoadOverride?,
        within ensembles: [String]
    ) -> Result<Void, SourceError> {
        let began = MonotonicTime.now()
        registry.loadBegins(name)
        do throws(SourceError) {
            var inspected: [String: any LoadedModel] = [:]
            let definition = try read(name, override, &inspected)
            if change(name, to: definition) { return .success(()) }
            let servables = try admit(definition, inspected, within: ensembles)
            let old = registry.publish(name, servables)
            for servable in old { retire(servable) }
            let versions = servables.map { "\($0.spec.version)" }.joined(separator: ", ")
            let taken = (MonotonicTime.now() - began).inMilliseconds
            logger.info("model '\(name)' is ready: version \(versions), after \(Int(taken)) ms")
            return .success(())
        } catch {
            registry.loadFailed(name, error.message)
            logger.error("model '\(name)' was not loaded: \(error.message)")
            return .failure(error)
        }
    }

    /// Loads a model because a client asks for it: a name that the source does not have is not
    /// kept.
    func loadByRequest(_ name: String, _ override: LoadOverride?) -> Result<Void, SourceError> {
        let result = load(name, override)
        if case .failure = result, (try? source.names().contains(name)) == false {
            registry.forget(name)
        }
        return result
    }

    /// Takes a model away. What waits is finished first, without this waiting for it.
    ///
    /// - Parameter dependents: Whether the models that an ensemble calls go too.
    func unload(_ name: String, dependents: Bool = false) {
        let servables = registry.withdraw(name)
        for servable in servables { retire(servable) }
        logger.info("model '\(name)' is being unloaded")
        guard dependents else { return }
        for step in servables.flatMap({ $0.wiring?.steps ?? [] }) {
            unload(step.model, dependents: true)
        }
    }

    /// Reads a model; a file is only opened where it is not the one that serves.
    private func read(
        _ name: String,
        _ override: LoadOverride?,
        _ inspected: inout [String: any LoadedModel]
    ) throws(SourceError) -> ModelDefinition {
        var opened: [String: any LoadedModel] = [:]
        defer { inspected = opened }
        let present = registry.ready(name).compactMap { registry.seat($0.id) }
        return try source.read(name, override: override) { (artifact) throws(EngineError) in
            if let same = present.first(where: { $0.isMade(of: artifact) }) {
                return same.loaded.declared
            }
            let loaded = try engine.load(artifact)
            opened[artifact.path] = loaded
            return loaded.declared
        }
    }

    private func admit(
        _ definition: ModelDefinition,
        _ inspected: [String: any LoadedModel],
        within ensembles: [String]
    ) throws(SourceError) -> [Servable] {
        if let ensemble = definition.ensemble {
            return try wire(ensemble, definition, within: ensembles)
        }
        var seats: [ModelSeat] = []
        do throws(SourceError) {
            for artifact in definition.versions {
                let loaded = try reuse(inspected[artifact.path], for: artifact, definition)
                seats.append(try seat(artifact, definition, loaded))
            }
        } catch {
            for seat in seats { withdraw(seat) }
            throw error
        }
        return try waitFor(seats)
    }

    /// What `inspect` has loaded already serves, if it numbers the tensors as the configuration
    /// does; otherwise the file is loaded once more.
    private func reuse(
        _ inspected: (any LoadedModel)?,
        for artifact: ModelArtifact,
        _ definition: ModelDefinition
    ) throws(SourceError) -> any LoadedModel {
        if let inspected {
            // Without a signature an engine batches wherever all first dimensions are free.
            let file = inspected.declared
            let batches = (file.inputs + file.outputs).allSatisfy { $0.shape.first == -1 }
            if batches == definition.signature.batched,
                file.inputs.map(\.name) == definition.signature.inputs.map(\.name),
                file.outputs.map(\.name) == definition.signature.outputs.map(\.name)
            {
                return inspected
            }
        }
        do throws(EngineError) {
            return try engine.load(artifact)
        } catch {
            throw SourceError(.invalid, error.message)
        }
    }

    private func seat(
        _ artifact: ModelArtifact,
        _ definition: ModelDefinition,
        _ loaded: any LoadedModel
    ) throws(SourceError) -> ModelSeat {
        guard let id = registry.reserve() else {
            throw SourceError(
                .invalid,
                "no room for version \(artifact.version) of '\(definition.name)': the server "
                    + "holds as many models as it may; unload one first"
            )
        }
        var spec = definition.rules
        spec.id = id
        spec.name = definition.name
        spec.version = artifact.version
        for profile in loaded.profiles { spec.set(profile) }
        addKnowledge(of: artifact, to: &spec)
        spec.inputBytes = definition.signature.bytesOfOneItem(\.inputs)
        spec.outputBytes = definition.signature.bytesOfOneItem(\.outputs)
        let servable = Servable(
            spec: spec,
            definition: definition,
            platform: engine.platform,
            statistics: ModelStatistics()
        )
        let seat = ModelSeat(
            servable: servable,
            loaded: loaded,
            artifact: artifact,
            definition: definition
        )
        registry.take(seat)
        driver.post(.modelAdded(spec))
        return seat
    }

    /// What was measured earlier or can be guessed, for kinds of devices that the engine itself
    /// says nothing about.
    private func addKnowledge(of artifact: ModelArtifact, to spec: inout ModelSpec) {
        guard let knowledge else { return }
        for device in devices where spec.profile(on: device.kind) == nil {
            if let profile = knowledge.profile(of: artifact, on: device) { spec.set(profile) }
        }
    }

    private func waitFor(_ seats: [ModelSeat]) throws(SourceError) -> [Servable] {
        let end = MonotonicTime.now() + Self.patience
        var failure: String?
        for seat in seats {
            switch seat.waitForInstances(until: end) {
            case .ready: break
            case .failed(let reason): failure = failure ?? reason
            case .pending: failure = failure ?? "its instances did not start within 10 minutes"
            }
        }
        guard let failure else { return seats.map(\.servable) }
        for seat in seats { withdraw(seat) }
        throw SourceError(.invalid, failure)
    }

    private func withdraw(_ seat: ModelSeat) {
        seat.retire()
        driver.retire(seat.servable)
    }

    /// Takes a version out of the core; later requests go to what answers for its name by then.
    func retire(_ servable: Servable) {
        guard servable.wiring == nil else { return }
        registry.seat(servable.id)?.retire()
        driver.retire(servable)
    }
}
