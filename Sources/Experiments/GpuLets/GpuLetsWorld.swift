public import Planning
public import ServingDomain
public import Simulation
import VirtualDevices
import Workloads

/// gpu-lets' networks on gpu-lets' devices: what planners are told and what really happens.
///
/// Latencies are those of the calibrated preset `rtx-2080ti` (`Docs/CALIBRATION.md`), planners
/// believe the released coefficients of interference, and the truth is `SaturatingContention`.
public struct GpuLetsWorld: Sendable {
    /// Which version of the paper the objectives are from.
    public enum Objectives: String, Sendable {
        /// arXiv, five networks.
        case arxiv
        /// ATC'22, nine networks.
        case atc
    }

    /// The devices.
    public var devices: [DeviceSpec]
    /// The models, with their profiles.
    public var models: [ModelSpec]
    /// What planners believe of interference.
    public var belief: ContentionModel
    /// What was turned.
    public let knobs: PresetKnobs

    /// Standard deviation of the logarithm of a batch's time in simulations: about 2 %.
    static let noise = 0.02

    /// The objective of a network in milliseconds.
    static func objective(of network: String, _ objectives: Objectives) -> Double {
        guard let model = GpuletsModel.named(network) else { return 100 }
        return objectives == .atc
            ? model.atcMilliseconds : model.arxivMilliseconds ?? model.atcMilliseconds
    }

    /// The networks of the 1,023 scenarios, in the papers' order.
    public static let five = ["lenet", "googlenet", "resnet50", "ssd-mobilenetv1", "vgg16"]

    /// Sets up `networks` with the objectives of one version.
    ///
    /// - Throws: `PlanError` for a network that the presets don't know.
    public init(
        networks: [String],
        objectives: Objectives,
        devices count: Int = 4,
        knobs: PresetKnobs = PresetKnobs()
    ) throws(PlanError) {
        try self.init(
            networks.map { ($0, $0, Self.objective(of: $0, objectives)) },
            devices: count,
            knobs: knobs
        )
    }

    /// Sets up the models of a mix.
    ///
    /// - Throws: `PlanError` for a network that the presets don't know.
    public init(
        mix: GpuLetsMix,
        devices count: Int = 4,
        knobs: PresetKnobs = PresetKnobs()
    ) throws(PlanError) {
        try self.init(
            mix.members.map { ($0.model, $0.network, $0.sloMs) },
            devices: count,
            knobs: knobs
        )
    }

    private init(
        _ members: [(model: String, network: String, sloMs: Double)],
        devices count: Int,
        knobs: PresetKnobs
    ) throws(PlanError) {
        let preset = try DevicePreset.named("rtx-2080ti")
        self.knobs = knobs
        devices = (0..<count).map { preset.device(id: DeviceID(Int32($0)), name: "gpu\($0)") }
        belief =
            knobs.contention == 0
            ? .none : .linear(LinearContention.rtx2080ti.scaled(by: knobs.contention))
        models = []
        for (place, member) in members.enumerated() {
            let profiles = try preset.profiles(of: [member.network], knobs: knobs)
            models.append(
                ModelSpec(
                    id: ModelID(Int32(place)),
                    name: member.model,
                    maxBatch: 32,
                    slo: .milliseconds(rounding: member.sloMs),
                    profiles: profiles
                )
            )
        }
    }

    /// The demand of `rates`, in requests per second by model.
    public func inputs(rates: [Double]) -> PlanInputs {
        PlanInputs(
            devices: devices,
            models: models,
            milliRates: rates.map { Int64(($0 * 1_000).rounded()) },
            present: nil,
            contention: [PlanInputs.KindContention(kind: "rtx-2080ti", model: belief)]
        )
    }

    /// A simulation of this world without a plan and without requests yet.
    public func setup(seed: UInt64, duration: TimeSpan) -> SimulationSetup {
        let truth = SaturatingContention(
            models: models.map(\.name),
            seed: seed,
            strength: knobs.contention
        )
        var setup = SimulationSetup(
            devices: devices,
            models: models.map {
                SimulatedModel($0, truth: ModelTruth(of: $0, spread: Self.noise))
            },
            loads: [],
            duration: duration
        )
        setup.seed = seed
        setup.truths = devices.map { _ in truth }
        setup.beliefs = [PlanInputs.KindContention(kind: "rtx-2080ti", model: belief)]
        setup.policy = "duty"
        return setup
    }
}
