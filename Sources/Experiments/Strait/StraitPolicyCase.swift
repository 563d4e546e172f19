/// A policy as the reproduction compares it: how it is called, and what else it needs.
public struct StraitPolicyCase: Hashable, Sendable {
    /// Its name in tables.
    public var name: String
    /// The policy's name and options.
    public var policy: String
    /// Whether all requests are of one level, so that nothing knows classes (B0, B4).
    public var ignoresClasses = false
    /// Whether the device's streams have priorities: co-runners of class high are disturbed less.
    public var hasStreams = false

    /// Creates a case.
    public init(
        _ name: String,
        _ policy: String,
        ignoresClasses: Bool = false,
        hasStreams: Bool = false
    ) {
        self.name = name
        self.policy = policy
        self.ignoresClasses = ignoresClasses
        self.hasStreams = hasStreams
    }

    /// The design of the notes, section 2.
    public static let strait = StraitPolicyCase("strait", "strait")
    /// What section 5 asks for.
    public static let confluence = StraitPolicyCase("confluence", "confluence")
    /// B0: dynamic batching in the order of arrival, no classes, no drops.
    public static let fifo = StraitPolicyCase("fifo", "fifo", ignoresClasses: true)
    /// B1: Triton's priority levels, across models too.
    public static let triton = StraitPolicyCase("triton levels", "fifo")
    /// B2: class, then deadline; batches and drops by solo latency.
    public static let edf = StraitPolicyCase("edf", "edf")
    /// B3: one batch at a time, windows.
    public static let clockwork = StraitPolicyCase("clockwork", "clockwork")
    /// B4: B0 with priorities of streams, and nothing else.
    public static let streams = StraitPolicyCase(
        "stream priorities",
        "fifo",
        ignoresClasses: true,
        hasStreams: true
    )
    /// B5 with one threshold.
    public static let preemptive = StraitPolicyCase("preemptive 8", "preemptive:threshold=8")
    /// B5 with the others.
    public static let thresholds = [2, 4, 16].map {
        StraitPolicyCase("preemptive \($0)", "preemptive:threshold=\($0)")
    }
    /// B8: the simulator tells the core in advance what batches will really take.
    public static let oracle = StraitPolicyCase("oracle", "oracle")
    /// B7.
    public static let ablations = [
        "transfer=off", "interference=off", "weights=static", "margin=off", "credit=off",
        "reserve=off",
    ].map { StraitPolicyCase("strait:\($0)", "strait:\($0)") }

    /// Parts of `strait` and `confluence` that are off by default, switched on.
    public static let additions = [
        "strait:slack=on", "strait:cut=0", "strait:spare=on", "confluence:arrivals=on",
        "confluence:segments=on",
    ].map { StraitPolicyCase($0, $0) }

    /// What every cell is run with.
    public static let main = [
        strait, confluence, fifo, triton, edf, clockwork, streams, preemptive, oracle,
    ]
}
