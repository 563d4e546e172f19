public import Planning
import RealModule
public import ServerCore
public import ServingDomain
import Simulation
import Workloads

/// Demand that rises and falls while epochs of 20 s follow it (gpu-lets' fluctuation run; its
/// trace is not public, so this one is ours).
///
/// Five networks on four devices; network number m of the papers' order wants
/// `base x (1 + 0.8 sin(2 pi t / 900 s + m pi / 10))` requests per second, in steps of 20 s:
/// two waves in 1,800 s.
public struct FluctuationRun: Sendable {
    /// What a run came to.
    public struct Outcome: Sendable {
        /// Violations over all requests, in per cent.
        public var percent: Double
        /// The mean number of devices and of gpulets with an instance, over time.
        public var devices: Double, gpulets: Double
        /// How often a plan was made.
        public var plans: Int
        /// What the auditor complained of first.
        public var complaint: String?
    }

    /// The mean rate of each network.
    public static let base = 120.0

    /// The networks and devices.
    public let world: GpuLetsWorld

    /// Sets up the run.
    ///
    /// - Throws: `PlanError` where the preset is missing.
    public init(knobs: PresetKnobs = PresetKnobs()) throws(PlanError) {
        world = try GpuLetsWorld(networks: GpuLetsWorld.five, objectives: .atc, knobs: knobs)
    }

    /// Requests per second of network number `model` at `seconds`.
    public static func rate(of model: Int, at seconds: Double) -> Double {
        let wave = Double.sin(2 * Double.pi * seconds / 900 + Double(model) * Double.pi / 10)
        return base * (1 + 0.8 * wave)
    }

    /// Runs `planner` for `duration` with gpu-lets' own loop.
    ///
    /// - Throws: `PlanError` with the flaw of the setup.
    public func run(
        planner: String,
        policy: String = "duty",
        epochs: EpochRules = .gpulets,
        seed: UInt64,
        duration: TimeSpan
    ) throws(PlanError) -> Outcome {
        var setup = world.setup(seed: seed, duration: duration)
        setup.warmUp = .seconds(20)
        setup.plans = .planner(planner)
        setup.policy = policy
        setup.epochs = epochs
        setup.audits = false
        setup.loads = world.models.indices.map { model in
            RequestLoad(
                ModelID(Int32(model)),
                .steps(
                    RateSteps(step: .seconds(20), duration: duration) { seconds in
                        Self.rate(of: model, at: seconds)
                    }
                )
            )
        }
        // What a loop like this knows at the start: the rates of the first step, with headroom.
        setup.declared = world.models.indices.map { model in
            Int64(Self.rate(of: model, at: 10) * 1_200)
        }
        let ledger: Ledger
        do { ledger = try Simulator.run(setup) } catch { throw PlanError(error.message) }
        return outcome(of: ledger, until: .zero + duration)
    }

    private func outcome(of ledger: Ledger, until end: Instant) -> Outcome {
        var (devices, gpulets) = (0.0, 0.0)
        for (place, layout) in ledger.layouts.enumerated() {
            let from = max(.zero, layout.at)
            let next = place + 1 < ledger.layouts.count ? ledger.layouts[place + 1].at : end
            let length = max(0, (min(next, end) - from).inSeconds)
            devices += length * Double(layout.devices)
            gpulets += length * Double(layout.gpulets)
        }
        let seconds = max(1e-9, (end - .zero).inSeconds)
        return Outcome(
            percent: ledger.total.violationPercent,
            devices: devices / seconds,
            gpulets: gpulets / seconds,
            plans: ledger.answers.count,
            complaint: ledger.complaints.first
        )
    }
}
