public import Planning
public import ServingDomain
public import Simulation
import Workloads

/// The highest rate of a mix: what a planner calls schedulable, and what simulation confirms.
public struct PeakSearch: Sendable {
    /// How much is simulated before a rate counts as confirmed.
    public struct Effort: Hashable, Sendable {
        /// How many seeds.
        public var seeds: Int
        /// The length of each run, without its warm-up.
        public var duration: TimeSpan
        /// Into how many steps the planner's highest rate is divided.
        public var steps: Int

        /// 3 seeds of 60 s, to 5 % of the planner's highest rate (issue 3, item 6 (b)).
        public static let full = Effort(seeds: 3, duration: .seconds(60), steps: 20)
        /// One seed of 20 s, for comparisons over many settings.
        public static let brief = Effort(seeds: 1, duration: .seconds(20), steps: 20)
        /// One seed of 10 s, to 10 %.
        public static let quick = Effort(seeds: 1, duration: .seconds(10), steps: 10)
    }

    /// What was found for one mix and planner.
    public struct Peak: Sendable {
        /// The highest multiple that the planner calls schedulable.
        public var planned: Double
        /// The highest multiple that simulation confirms; 0 where not even a quarter is.
        public var confirmed: Double
        /// Violations at `planned`, in per cent, over all seeds.
        public var violationsAtPlanned: Double
        /// Whether a plan broke a rule, in words.
        public var violation: String?
        /// Whether two runs of one seed differed, or the auditor complained.
        public var complaint: String?
    }

    /// Violations that still pass, in per cent.
    public static let target = 1.0
    /// The multiple that a search begins with.
    static let start = 100.0
    /// What a run begins with that does not count.
    static let warmUp = TimeSpan.seconds(2)

    /// The mix.
    public let mix: GpuLetsMix
    /// Its models and devices.
    public private(set) var world: GpuLetsWorld
    /// The first seed; the others follow it.
    public let seed: UInt64

    /// Creates a search.
    ///
    /// - Throws: `PlanError` where the preset is missing.
    public init(
        _ mix: GpuLetsMix,
        devices: Int = 4,
        knobs: PresetKnobs = PresetKnobs(),
        seed: UInt64
    ) throws(PlanError) {
        self.mix = mix
        world = try GpuLetsWorld(mix: mix, devices: devices, knobs: knobs)
        self.seed = seed
    }

    /// Lets devices be split into as many gpulets as fit.
    mutating func liftLimit() {
        for place in world.devices.indices { world.devices[place].maxGpulets = 0 }
    }

    /// The demand at `multiple`.
    public func inputs(at multiple: Double) -> PlanInputs {
        world.inputs(rates: mix.members.map { $0.weight * multiple })
    }

    /// The highest multiple that `planner` calls schedulable.
    ///
    /// - Throws: what the planner throws.
    public func planned(by planner: any Planner) throws(PlanError) -> WhatIf.HighestRate {
        // The released code fails where rates are below its slack: so the search starts higher.
        let found = try WhatIf.highestRate(
            of: inputs(at: Self.start),
            with: planner,
            precision: 0.002
        )
        return WhatIf.HighestRate(
            multiple: found.multiple * Self.start,
            milliRates: found.milliRates,
            plan: found.plan
        )
    }

    /// Plans by `planner` and confirms by simulation.
    ///
    /// - Throws: what the planner throws, or the flaw of a setup as `PlanError`.
    public func peak(
        of planner: any Planner,
        policy: String = "duty",
        effort: Effort
    ) throws(PlanError) -> Peak {
        let highest = try planned(by: planner)
        var peak = Peak(planned: highest.multiple, confirmed: 0, violationsAtPlanned: 0)
        guard let plan = highest.plan else { return peak }
        peak.violation = Audit.violations(of: plan, for: inputs(at: highest.multiple)).first?.line
        let first = try violations(of: plan, at: highest.multiple, policy: policy, effort: effort)
        peak.violationsAtPlanned = first.percent
        peak.complaint = first.complaint
        if first.percent <= Self.target {
            peak.confirmed = highest.multiple
            return peak
        }
        // More is not always worse, neither for planners nor in simulation: so every step is
        // tried from above, and the first that passes counts. Below a quarter of what was planned
        // there is nothing left to confirm.
        for step in 1..<effort.steps where step * 4 <= effort.steps * 3 {
            let multiple = highest.multiple * Double(effort.steps - step) / Double(effort.steps)
            let plan = try planner.plan(inputs(at: multiple))
            guard plan.schedulable else { continue }
            let run = try violations(of: plan, at: multiple, policy: policy, effort: effort)
            if peak.complaint == nil { peak.complaint = run.complaint }
            if run.percent <= Self.target {
                peak.confirmed = multiple
                break
            }
        }
        return peak
    }

    /// What a run, or several together, came to.
    public struct Outcome: Sendable {
        /// Violations over all requests (of applications, over their calls).
        public var percent: Double
        /// The worst model's, or the application's.
        public var worst: Double
        /// What the auditor complained of first.
        public var complaint: String?
    }

    /// Violations of `plan` under a fixed demand, over the seeds of `effort`.
    ///
    /// - Throws: the flaw of the setup.
    public func violations(
        of plan: Plan,
        at multiple: Double,
        policy: String = "duty",
        effort: Effort
    ) throws(PlanError) -> Outcome {
        var outcome = Outcome(percent: 0, worst: 0, complaint: nil)
        var counts = OutcomeCounts()
        for number in 0..<effort.seeds {
            let ledger = try run(
                plan,
                at: multiple,
                policy: policy,
                seed: seed &+ UInt64(number),
                duration: effort.duration
            )
            if mix.stages == nil {
                counts.add(ledger.total)
                for model in world.models {
                    outcome.worst = max(
                        outcome.worst,
                        ledger.counts(of: model.id).violationPercent
                    )
                }
            } else {
                for graph in ledger.graphs {
                    counts.add(graph.counts)
                    outcome.worst = max(outcome.worst, graph.counts.violationPercent)
                }
            }
            if outcome.complaint == nil { outcome.complaint = ledger.complaints.first }
        }
        outcome.percent = counts.violationPercent
        return outcome
    }

    /// One run.
    ///
    /// - Throws: the flaw of the setup.
    public func run(
        _ plan: Plan,
        at multiple: Double,
        policy: String,
        seed: UInt64,
        duration: TimeSpan,
        audits: Bool = false
    ) throws(PlanError) -> Ledger {
        var setup = setup(at: multiple, policy: policy, seed: seed, duration: duration)
        setup.plans = .fixed(plan)
        setup.audits = audits
        do { return try Simulator.run(setup) } catch { throw PlanError(error.message) }
    }

    /// The requests of the mix at `multiple`, without a plan yet.
    func setup(
        at multiple: Double,
        policy: String,
        seed: UInt64,
        duration: TimeSpan
    ) -> SimulationSetup {
        var setup = world.setup(seed: seed, duration: duration + Self.warmUp)
        setup.warmUp = Self.warmUp
        setup.policy = policy
        if let graph = mix.graph {
            setup.graphs = [
                GraphLoad(
                    graph,
                    .poisson(rate: multiple),
                    budgets: mix.members.map { .milliseconds(rounding: $0.sloMs) }
                )
            ]
        } else {
            setup.loads = mix.members.enumerated().map { place, member in
                RequestLoad(
                    ModelID(Int32(place)),
                    .poisson(rate: member.weight * multiple)
                )
            }
        }
        return setup
    }
}
