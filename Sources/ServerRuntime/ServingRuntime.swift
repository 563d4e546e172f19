public import ServingDomain

/// Drives the core in real time: requests in, orders out, tensors moved, engines run.
public final class ServingRuntime: Sendable {
    /// Where the server stands.
    public enum Phase: UInt8, Sendable {
        /// Models are being loaded for the first time.
        case starting
        /// Serves.
        case ready
        /// Not ready any more; what is here is finished, nothing new is admitted later on.
        case draining
    }

    /// The log settings that clients may change.
    public let logSettings = LogSettings()
    /// The trace settings that clients may change.
    public let traceSettings = TraceSettings()
    /// Memory shared with clients.
    public let sharedMemory = SharedMemory()

    init() {}

    // MARK: Requests (any thread)

    /// The time by the runtime's clock.
    public static func now() -> Instant { .zero }

    /// The version that answers for `name`: the named one, or the highest that is ready.
    public func servable(
        named name: String,
        version: Int64?
    ) throws(LookupFailure) -> Servable {
        throw .unknownModel
    }

    /// Hands a request to the core. The runtime keeps `exchange` until it has ended it.
    ///
    /// `finish` may come before this returns (refusals do).
    /// - Returns: The request's name for `cancel`; nil when it has ended already.
    @discardableResult
    public func submit(
        _ exchange: any InferenceExchange,
        to servable: Servable,
        _ ticket: Ticket
    ) -> RequestID? {
        nil
    }

    /// Says that the client of a request has gone; harmless when it has ended already.
    public func cancel(_ request: RequestID) {}

    // MARK: State (any thread)

    /// Where the server stands.
    public var phase: Phase { .starting }

    /// Whether requests may be sent: ready, and, with strict readiness, every model is.
    public var isReady: Bool { phase == .ready }

    /// Whether a slot of the request table is free; fronts read no further when none is.
    public var hasRoom: Bool { true }

    /// Every model known, for the repository index, sorted by name and version.
    public func index(readyOnly: Bool) -> [IndexEntry] { [] }

    /// Every version that answers, sorted by name and version, for statistics.
    public func servables() -> [Servable] { [] }

    /// All metrics as Prometheus text.
    public func metricsText() -> [UInt8] { [] }

    // MARK: Control (may block on files; fronts await)

    /// Loads, or loads anew, every version of a model that its configuration asks for.
    public func load(_ name: String, override: LoadOverride?) async throws(SourceError) {}

    /// Takes a model away: what waits is finished first.
    public func unload(_ name: String) async throws(SourceError) {}
}
