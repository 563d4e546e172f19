/// How the public code of gpu-lets behaves where that differs from its paper, each a switch.
///
/// The numbers are sections of the notes on gpu-lets. The defaults are the code as it stands.
public struct ReleasedRules: Hashable, Sendable {
    /// Whether devices may be split (2.2; off: `timesharing_only`).
    public var splits = true
    /// Whether models may share a gpulet in time (2.2, step 5).
    public var sharesTime = true
    /// Whether co-runners count (section 3; off: `gpulet-noint`).
    public var interference = true
    /// Whether a gpulet is the smallest whose rate suffices, without a knee (`greedy_part`).
    public var selfTuning = false
    /// Inflation, latency ratio and slack (1.1, 1.2, 1.4).
    public var margins = Margins.released
    /// The most models on a gpulet (1.1).
    public var maxLanes = 3
    /// Between profiled batches: by the share's weight at the largest batch (1.2), else linear.
    public var weighsShares = true
    /// The search for a batch never returns the largest one (1.3).
    public var missesLargest = true
    /// A lone request of a slow model reserves enough to be served early (1.1).
    public var reservesForLone = true
    /// The knee never looks at the last step, to the whole device (1.5).
    public var missesLastStep = true
    /// Models are placed by ascending rate x objective (2.2), else by descending rate.
    public var ascends = true
    /// The smaller size of a residual gpulet keeps the batch of the larger one (2.2).
    public var keepsBatch = true
    /// Of unsplit devices and exact sizes the last one wins (2.2), else the tightest fit.
    public var takesLast = true
    /// The check of a neighbour compares it with itself (9.2).
    public var comparesSelf = true
    /// What a neighbour loses is owed by the model that is being placed (9.2).
    public var chargesPlaced = true
    /// A residual gpulet may exceed the objective by a twentieth when a neighbour comes (1.1).
    public var tolerates = true
    /// Models with less than 0.85 of their rate are placed once more (2.2).
    public var retries = true
    /// 1,230 MiB for each new gpulet and a tenth of the memory left free (2.4).
    public var guardsMemory = true
    /// 3 Gbit/s of input for each device, in the fallback only (2.4).
    public var guardsNetwork = true
    /// Utilisation is read at powers of two only (section 3).
    public var readsPowers = true
    /// The exhaustive search tries every permutation of a layout too (section 4).
    public var permutes = false

    /// Creates the rules of the code as it stands.
    public init() {}

    /// The switches by the names that options have, each `on` or `off`.
    public static let switches = [
        "weighs-shares", "misses-largest", "reserves-for-lone", "misses-last-step", "ascends",
        "keeps-batch", "takes-last", "compares-self", "charges-placed", "tolerates", "retries",
        "guards-memory", "guards-network", "reads-powers", "permutes",
    ]

    /// Turns the switch `name`; false if there is none of that name.
    public mutating func turn(_ name: String, on: Bool) -> Bool {
        switch name {
        case "weighs-shares": weighsShares = on
        case "misses-largest": missesLargest = on
        case "reserves-for-lone": reservesForLone = on
        case "misses-last-step": missesLastStep = on
        case "ascends": ascends = on
        case "keeps-batch": keepsBatch = on
        case "takes-last": takesLast = on
        case "compares-self": comparesSelf = on
        case "charges-placed": chargesPlaced = on
        case "tolerates": tolerates = on
        case "retries": retries = on
        case "guards-memory": guardsMemory = on
        case "guards-network": guardsNetwork = on
        case "reads-powers": readsPowers = on
        case "permutes": permutes = on
        default: return false
        }
        return true
    }
}

/// What putting a batch together costs on the host (1.2): milliseconds by batch, from 1.
///
/// The released planner adds it to every latency. The tables were measured by gpu-lets' authors
/// and are not part of this project; without them the cost is nothing.
public struct HostBatching: Hashable, Sendable {
    /// The model's name.
    public var model: String
    /// Milliseconds of batch 1, 2, ...; beyond the last the last counts.
    public var milliseconds: [Float]

    /// Creates the cost of one model.
    public init(model: String, milliseconds: [Float]) {
        self.model = model
        self.milliseconds = milliseconds
    }
}
