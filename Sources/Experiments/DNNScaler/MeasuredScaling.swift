public import ServerCore

/// One network on a real device: a grid of settings measured one by one, where a scaler ended up,
/// and both measured again in turn. What a live run has to fill in; all else is arithmetic.
public struct MeasuredScaling: Hashable, Sendable {
    /// One setting of the grid.
    public struct Cell: Hashable, Sendable {
        /// Batch and instances.
        public var setting: LaneSetting
        /// Items per second.
        public var rate: Double
        /// The 95th percentile of a batch's latency in ms.
        public var p95Ms: Double

        /// Creates a measured cell.
        public init(_ setting: LaneSetting, rate: Double, p95Ms: Double) {
            self.setting = setting
            self.rate = rate
            self.p95Ms = p95Ms
        }
    }

    /// The rates of one round: the scaler's setting and the grid's best, one after the other.
    public struct Round: Hashable, Sendable {
        /// Items per second.
        public var scaler: Double, best: Double

        /// Creates a round.
        public init(scaler: Double, best: Double) {
            self.scaler = scaler
            self.best = best
        }
    }

    /// The network.
    public var model: String
    /// The objective for the 95th percentile in ms.
    public var sloMs: Double
    /// What was measured; cells that could not be are left out.
    public var grid: [Cell]
    /// Where the scaler rests; nil = it did not come to rest.
    public var settled: LaneSetting?
    /// How often it changed the setting.
    public var decisions: Int
    /// Windows after it came to rest, and those beyond the objective.
    public var windows: Int, missed: Int
    /// Both settings again, in turn.
    public var rounds: [Round]

    /// Creates what a live run has seen of one network.
    public init(
        model: String,
        sloMs: Double,
        grid: [Cell],
        settled: LaneSetting?,
        decisions: Int,
        windows: Int,
        missed: Int,
        rounds: [Round]
    ) {
        self.model = model
        self.sloMs = sloMs
        self.grid = grid
        self.settled = settled
        self.decisions = decisions
        self.windows = windows
        self.missed = missed
        self.rounds = rounds
    }

    // MARK: Arithmetic

    /// The best of the grid within the objective, of equal rates the lowest latency; nil when no
    /// cell holds it. Numbers that are not finite, or not above 0, do not count.
    public var optimum: Cell? {
        grid.filter {
            $0.rate.isFinite && $0.rate > 0 && $0.p95Ms.isFinite && $0.p95Ms <= sloMs
        }.max { ($0.rate, $1.p95Ms) < ($1.rate, $0.p95Ms) }
    }

    /// The grid's rate of the scaler's setting over the optimum's; nil where one is missing.
    public var share: Double? {
        guard let settled, let best = optimum,
            let own = grid.first(where: { $0.setting == settled }), own.rate.isFinite
        else { return nil }
        return own.rate / best.rate
    }

    /// The median over the rounds of scaler over best: what neighbours on the machine did to one
    /// of them in some round does not count. nil without a round.
    public var medianRatio: Double? {
        let ratios = rounds.filter { $0.best > 0 && $0.best.isFinite && $0.scaler.isFinite }
            .map { $0.scaler / $0.best }.sorted()
        guard !ratios.isEmpty else { return nil }
        let middle = ratios.count / 2
        return ratios.count % 2 == 1 ? ratios[middle] : (ratios[middle - 1] + ratios[middle]) / 2
    }

    // MARK: Results

    /// The rows of one network.
    public var rows: [ResultRow] {
        let labels: [ResultRow.Label] = [.init("model", model), .init("scaler", "confluence")]
        let numbers: [(String, Double?, String)] = [
            ("optimum, throughput", optimum?.rate, "items/s"),
            ("optimum, batch", optimum.map { Double($0.setting.batch) }, "items"),
            ("optimum, instances", optimum.map { Double($0.setting.instances) }, "count"),
            ("batch", settled.map { Double($0.batch) }, "items"),
            ("instances", settled.map { Double($0.instances) }, "count"),
            ("share of the optimum, grid", share.map { $0 * 100 }, "%"),
            ("share of the optimum, re-measured", medianRatio.map { $0 * 100 }, "%"),
            ("decisions", Double(decisions), "count"),
            ("windows beyond the objective", missedShare.map { $0 * 100 }, "%"),
        ]
        return numbers.map { metric, value, unit in
            ResultRow(metric, labels: labels, measured: value, unit: unit, basis: .measured)
        }
    }

    private var missedShare: Double? {
        windows > 0 ? Double(missed) / Double(windows) : nil
    }

    /// The claims over all networks.
    public static func checks(_ runs: [MeasuredScaling]) -> [ResultCheck] {
        let ratios = runs.map { $0.medianRatio ?? 0 }
        let short = runs.filter { ($0.medianRatio ?? 0) < 0.97 }
        let windows = runs.reduce(0) { $0 + $1.windows }
        let missed = runs.reduce(0) { $0 + $1.missed }
        let share = Double(missed) / Double(max(1, windows))
        let most = runs.map(\.decisions).max() ?? 0
        let restless = runs.filter { $0.settled == nil }.map(\.model)
        return [
            ResultCheck(
                "confluence reaches 97 % of the grid's best on the real CPU",
                kind: .claim,
                goal: "a median ratio of 0.97 over the rounds, on every network",
                value: ratios.min(),
                holds: !runs.isEmpty && short.isEmpty,
                note: short.map { run in
                    let cause =
                        run.optimum == nil
                        ? "no cell holds \(run.sloMs) ms"
                        : run.medianRatio.map { "\(($0 * 1_000).rounded() / 10) %" } ?? "no round"
                    return "\(run.model): \(cause)"
                }.joined(separator: ", ")
            ),
            ResultCheck(
                "confluence holds the objective once settled, on the real CPU",
                kind: .claim,
                goal: "at most 1 window in 20 beyond it",
                value: share * 100,
                holds: windows > 0 && share <= 0.05,
                note: "per cent of \(windows) windows"
            ),
            ResultCheck(
                "confluence settles in ten decisions, on the real CPU",
                kind: .claim,
                goal: "at most 10 settings until it rests",
                value: Double(most),
                holds: !runs.isEmpty && most <= 10 && restless.isEmpty,
                note: restless.isEmpty ? "" : "still moving: " + restless.joined(separator: ", ")
            ),
        ]
    }
}
