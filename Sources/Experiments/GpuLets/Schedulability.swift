public import Planning
import ServingDomain

/// How many of a grid of demands a planner can schedule (gpu-lets; notes, 5.3).
public struct Schedulability: Sendable {
    /// Every combination of `rates` for the models of a world, but for the one without demand.
    public struct Grid: Sendable {
        /// The models and devices.
        public let world: GpuLetsWorld
        /// The rates that each model may have.
        public let rates: [Double]

        /// Creates a grid.
        public init(_ world: GpuLetsWorld, rates: [Double]) {
            self.world = world
            self.rates = rates
        }

        /// arXiv: five networks at 0, 100, 200 or 400 r/s, 1,023 scenarios.
        ///
        /// - Throws: `PlanError` where the preset is missing.
        public static func fiveModels(
            knobs: PresetKnobs = PresetKnobs()
        ) throws(PlanError) -> Grid {
            let networks = GpuLetsWorld.five
            return Grid(
                try GpuLetsWorld(networks: networks, objectives: .arxiv, knobs: knobs),
                rates: [0, 100, 200, 400]
            )
        }

        /// ATC: nine networks at 0, 100 or 200 r/s, 19,682 scenarios.
        ///
        /// - Throws: `PlanError` where the preset is missing.
        public static func nineModels(
            knobs: PresetKnobs = PresetKnobs()
        ) throws(PlanError) -> Grid {
            let networks = GpuletsModel.all.map(\.name)
            return Grid(
                try GpuLetsWorld(networks: networks, objectives: .atc, knobs: knobs),
                rates: [0, 100, 200]
            )
        }

        /// How many there are.
        public var count: Int {
            world.models.reduce(1) { count, _ in count * rates.count } - 1
        }

        /// The rates of scenario `number`, from 0: the first model changes fastest.
        public func demand(_ number: Int) -> [Double] {
            var rest = number + 1
            return world.models.map { _ in
                let rate = rates[rest % rates.count]
                rest /= rates.count
                return rate
            }
        }
    }

    /// What a planner made of the scenarios that were tried.
    public struct Score: Hashable, Sendable {
        /// Scenarios tried.
        public var tried = 0
        /// Those that it calls schedulable.
        public var scheduled = 0
        /// Those whose plan breaks a rule.
        public var invalid = 0
        /// The first violation, in words.
        public var violation: String?
        /// Which were schedulable, in the order in which they were tried.
        public var outcomes: [Bool] = []

        /// Creates a score of nothing.
        public init() {}
    }

    /// The eight ways to switch inflation, latency ratio and slack on and off, all off first.
    public static let margins: [(name: String, option: String)] = (0..<8).map { bits in
        var options: [String] = []
        if bits & 1 != 0 { options.append("inflation=on") }
        if bits & 2 != 0 { options.append("ratio=1.1") }
        if bits & 4 != 0 { options.append("slack=15") }
        return (
            options.isEmpty ? "none" : options.joined(separator: " "),
            options.joined(separator: ",")
        )
    }

    /// Tries every `stride`th scenario of `grid` from number `first` on.
    ///
    /// Shards of one grid (same stride, other first) may be tried on several threads.
    ///
    /// - Throws: what the planner throws.
    public static func score(
        _ planner: any Planner,
        on grid: Grid,
        from first: Int = 0,
        stride step: Int = 1
    ) throws(PlanError) -> Score {
        var score = Score()
        for number in Swift.stride(from: first, to: grid.count, by: step) {
            let inputs = grid.world.inputs(rates: grid.demand(number))
            let plan = try planner.plan(inputs)
            score.tried += 1
            score.outcomes.append(plan.schedulable)
            if plan.schedulable { score.scheduled += 1 }
            if let violation = Audit.violations(of: plan, for: inputs).first {
                score.invalid += 1
                if score.violation == nil { score.violation = violation.line }
            }
        }
        return score
    }

    /// `name` with more options behind those that it has.
    static func named(_ name: String, with option: String) -> String {
        option.isEmpty ? name : name + (name.contains(":") ? "," : ":") + option
    }
}
