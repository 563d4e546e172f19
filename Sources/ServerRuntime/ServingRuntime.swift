public import Logging
import Planning
public import ServerCore
public import ServingDomain
import Synchronization

/// Drives the core in real time: requests in, orders out, tensors moved, engines run.
public final class ServingRuntime: Sendable {
    /// Where the server stands.
    public enum Phase: UInt8, Sendable {
        /// Models are being loaded for the first time.
        case starting
        /// Serves.
        case ready
        /// Not ready any more; what is here is finished.
        case draining
    }

    /// The log settings that clients may change.
    public let logSettings: LogSettings
    /// The trace settings that clients may change.
    public let traceSettings: TraceSettings
    /// Memory shared with clients.
    public let sharedMemory: SharedMemory

    let configuration: RuntimeConfiguration
    private let source: any ModelSource
    let driver: CoreDriver
    let registry: ModelRegistry
    private let loader: ModelLoader
    private let control: ControlPlane
    private let ensembles: EnsembleRunner
    private let board: PlanBoard
    private let profiler: IdleProfiler
    private let keeper: LearnedKeeper
    private let journal: JournalWriter?
    private let traces: TraceWriter
    let logger: Logger
    private let host = HostLoad()
    private let standing = Mutex(Phase.starting)

    /// Creates a runtime; nothing runs before `start`.
    ///
    /// - Throws: `ConfigurationError` where a name is unknown or the journal can't be written.
    public init(
        _ configuration: RuntimeConfiguration,
        engine: any Engine,
        source: any ModelSource,
        logSettings: LogSettings = LogSettings(),
        logger: Logger
    ) throws(ConfigurationError) {
        self.configuration = configuration
        self.source = source
        self.logSettings = logSettings
        self.logger = logger
        traceSettings = TraceSettings(file: configuration.traceFile)
        sharedMemory = SharedMemory(isAllowed: configuration.allowsSharedMemory)
        journal = try configuration.journalPath.map { path throws(ConfigurationError) in
            try JournalWriter(path: path, configuration, logger: logger)
        }
        traces = TraceWriter(settings: traceSettings, logger: logger)
        driver = try CoreDriver(
            configuration.core,
            inlineBelow: configuration.inlineBelow,
            lowGivesWay: configuration.lowGivesWay,
            journal: journal,
            traces: traces,
            logger: logger
        )
        registry = ModelRegistry(capacity: configuration.core.limits.models)
        ensembles = EnsembleRunner(driver: driver, registry: registry)
        keeper = LearnedKeeper(driver, configuration)
        let planner = try planner(for: configuration)
        board = PlanBoard(devices: configuration.core.devices, planner: planner)
        control = ControlPlane(
            driver: driver,
            registry: registry,
            planner: planner,
            board: board,
            units: UnitAllocator(
                devices: configuration.core.devices,
                numbers: configuration.unitNumbers
            ),
            knowledge: configuration.knowledge,
            logger: logger
        )
        profiler = IdleProfiler(
            driver: driver,
            registry: registry,
            configuration: configuration,
            logger: logger
        )
        loader = ModelLoader(
            source: source,
            engine: engine,
            registry: registry,
            driver: driver,
            devices: configuration.core.devices,
            knowledge: configuration.knowledge,
            logger: logger
        )
    }

    // MARK: Life

    /// Starts the threads and loads the models; returns when each has been tried.
    ///
    /// A model that can't be loaded is logged and stands in the index; the others are served.
    public func start() async {
        journal?.start()
        driver.start { [control] item in control.carryOut(item) }
        loader.start()
        for name in await initialNames() {
            _ = await loader.perform { [loader] in loader.loadOnce(name) }
        }
        standing.withLock { if $0 == .starting { $0 = .ready } }
        if configuration.profilesInIdleTime { profiler.start() }
        keeper.start()
    }

    /// From now on the server calls itself not ready; requests are still served.
    public func beginDraining() {
        standing.withLock { $0 = .draining }
    }

    /// Admits nothing new, waits until what is here has ended, `patience` at most, and ends the
    /// threads. Returns how many requests were still running when the patience ended.
    @discardableResult
    public func shutDown(patience: TimeSpan) async -> Int {
        beginDraining()
        driver.post(.drainBegan)
        let end = MonotonicTime.now() + patience
        while driver.requestsHere > 0, MonotonicTime.now() < end {
            try? await Task.sleep(for: .milliseconds(10))
        }
        let left = driver.requestsHere
        loader.stop()
        profiler.stop()
        keeper.stop()
        for servable in registry.servables() {
            loader.retire(servable)
        }
        while registry.holdsSeats, MonotonicTime.now() < end {
            try? await Task.sleep(for: .milliseconds(5))
        }
        driver.stop()
        journal?.finish()
        traces.finish()
        return left
    }

    // MARK: Requests (any thread)

    /// The time by the runtime's clock.
    public static func now() -> Instant { MonotonicTime.now() }

    /// The version that answers for `name`: the named one, or the highest that is ready.
    public func servable(
        named name: String,
        version: Int64?
    ) throws(LookupFailure) -> Servable {
        let servable = try registry.servable(named: name, version: version)
        try registry.checkSteps(of: servable)
        return servable
    }

    /// Hands a request to the core. The runtime keeps `exchange` until it has ended it.
    ///
    /// `finish` may come before this returns (refusals do).
    /// - Returns: The request's name for `cancel`; nil when it was turned away at the door.
    @discardableResult
    public func submit(
        _ exchange: any InferenceExchange,
        to servable: Servable,
        _ ticket: Ticket
    ) -> RequestID? {
        ensembles.submit(exchange, to: servable, ticket)
    }

    /// Says that the client of a request has gone; harmless when it has ended already.
    public func cancel(_ request: RequestID) {
        ensembles.cancel(request)
    }

    // MARK: State (any thread)

    /// Where the server stands.
    public var phase: Phase { standing.withLock { $0 } }

    /// Whether requests may be sent: ready, a device is left, and, with strict readiness, every
    /// model answers.
    public var isReady: Bool {
        phase == .ready && !driver.hasLostAll
            && (!configuration.strictReadiness || registry.allAnswer)
    }

    /// Whether a slot of the request table is free; fronts read no further when none is.
    public var hasRoom: Bool { driver.hasRoom }

    /// Every model known, for the repository index, sorted by name and version.
    ///
    /// Reads the source's folder for models that were never loaded; may block on files.
    public func index(readyOnly: Bool) -> [IndexEntry] {
        var entries = registry.index()
        let known = Set(entries.map(\.name))
        for name in (try? source.names()) ?? [] where !known.contains(name) {
            entries.append(IndexEntry(name: name, version: nil, state: nil, reason: ""))
        }
        entries.sort { ($0.name, $0.version ?? 0) < ($1.name, $1.version ?? 0) }
        return readyOnly ? entries.filter { $0.state == .ready } : entries
    }

    /// Models that were asked for and do not answer, each with its reason, sorted by name.
    public var failures: [(name: String, reason: String)] { registry.failures }

    /// Every version that answers, sorted by name and version, for statistics.
    public func servables() -> [Servable] { registry.servables() }

    /// How the scaler stands with a model (nil: nothing is scaled), and how many of its instances
    /// can run a batch now. Cost: the core's lock for a moment.
    public func scaling(of servable: Servable) -> (status: ScalingStatus?, ready: Int) {
        driver.scaling(of: servable.id)
    }

    /// All metrics as Prometheus text.
    public func metricsText() -> [UInt8] {
        var text = MetricsText(registry.servables())
        return text.write(
            requestsHere: driver.requestsHere,
            ready: isReady,
            host: host,
            forecast: driver.forecastReport,
            control: driver.counters.snapshot,
            lanes: MetricsText.named(driver.laneStatus, configuration.core.devices) {
                registry.seat($0)?.servable.spec
            }
        )
    }

    /// How much the server and its machine have to do. Reads two small files of the kernel's.
    public func load() -> ServerLoad {
        let memory = HostLoad.memory()
        let requests = driver.requestsHere
        return ServerLoad(
            processors: host.processorShare(),
            memory: memory.total > 0 ? Double(memory.used) / Double(memory.total) : 0,
            slots: Double(requests) / Double(max(1, configuration.core.limits.requests)),
            requests: requests
        )
    }

    /// The plan that stands, its demand and its reasons, as JSON.
    public func presentPlan() throws(PlanQuestionError) -> [UInt8] { try board.present() }

    /// What would be planned for a demand (a demand file's bytes), as JSON; nothing changes. May
    /// take as long as planning does.
    public func previewPlan(for demand: [UInt8]) throws(PlanQuestionError) -> [UInt8] {
        try board.preview(demand) { driver.tellLearned(&$0) }
    }

    // MARK: Control (fronts await)

    /// Loads, or loads anew, every version of a model that its configuration asks for.
    public func load(_ name: String, override: LoadOverride?) async throws(SourceError) {
        try checkExplicit()
        try await loader.perform { [loader] in loader.loadByRequest(name, override) }.get()
    }

    /// Takes a model away: what waits is finished first. An unknown name does nothing.
    ///
    /// - Parameter dependents: Whether the models that an ensemble calls go too.
    public func unload(_ name: String, dependents: Bool = false) async throws(SourceError) {
        try checkExplicit()
        _ = await loader.perform { [loader] in
            loader.unload(name, dependents: dependents)
            return .success(())
        }
    }

    private func checkExplicit() throws(SourceError) {
        guard case .explicit = configuration.control else {
            throw SourceError(
                .unsupported,
                "models can't be loaded or unloaded by request in this mode; start the server "
                    + "with --model-control-mode=explicit"
            )
        }
    }

    private func initialNames() async -> [String] {
        if case .explicit(let names) = configuration.control, !names.contains("*") {
            return names
        }
        let listed = await loader.perform { [source] in
            do throws(SourceError) {
                return .success(try source.names())
            } catch {
                return .failure(error)
            }
        }
        switch listed {
        case .success(let names): return names
        case .failure(let error):
            logger.error("the model repository can't be read: \(error.message)")
            return []
        }
    }

    /// Looks at the source once: loads what is new or changed, unloads what is gone.
    private func poll(_ known: [String: UInt64]) async -> [String: UInt64] {
        let found = await loader.perform { [source] () -> Result<[String: UInt64], SourceError> in
            do throws(SourceError) {
                var found: [String: UInt64] = [:]
                for name in try source.names() { found[name] = try source.fingerprint(name) }
                return .success(found)
            } catch {
                return .failure(error)
            }
        }
        guard case .success(let found) = found else { return known }
        for (name, mark) in found.sorted(by: { $0.key < $1.key }) where known[name] != mark {
            _ = await loader.perform { [loader] in loader.load(name, nil) }
        }
        for name in known.keys.sorted() where found[name] == nil {
            _ = await loader.perform { [loader] in
                loader.unload(name)
                return .success(())
            }
        }
        return found
    }

    /// Looks at the source every so often, in poll mode; returns when the task is cancelled.
    public func pollSource() async {
        guard case .poll(let period) = configuration.control else { return }
        var known: [String: UInt64] = [:]
        for name in registry.loadedNames() { known[name] = try? source.fingerprint(name) }
        while !Task.isCancelled, phase != .draining {
            try? await Task.sleep(for: .nanoseconds(period.nanoseconds))
            known = await poll(known)
        }
    }
}

/// Plans that somebody gives.
private struct GivenPlanner: Planner {
    let name = "given"
    let answer: @Sendable (PlanInputs) -> Plan?

    func plan(_ inputs: PlanInputs) throws(PlanError) -> Plan {
        if let plan = answer(inputs) { return plan }
        throw PlanError("no plan was given for this demand")
    }
}

/// The planner that is named; with epochs that feed back it also seats every model.
private func planner(
    for configuration: RuntimeConfiguration
) throws(ConfigurationError) -> any Planner {
    if let answer = configuration.planned { return GivenPlanner(answer: answer) }
    let core = configuration.core
    do throws(PlanError) {
        let planner = try PlannerCatalogue.planner(named: core.planner)
        guard let rules = core.epochs, rules.feedsBack else { return planner }
        return SeatedPlanner(
            planner,
            floorMilliRate: rules.floorMilliRate,
            sharesCores: OptionedName(core.planner).name == "confluence"
        )
    } catch {
        throw ConfigurationError(error.message)
    }
}
