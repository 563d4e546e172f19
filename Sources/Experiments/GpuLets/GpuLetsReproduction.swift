public import Planning
import ServingDomain
import Simulation

/// `sluice reproduce gpulets`: the paper's results on the simulator (issue 3, item 6).
///
/// (a) schedulability, (b) highest rates, (c) interference awareness, (d) fluctuation and devices
/// needed, (e) interference error, (f) ablations; the headline is `elastic` over `temporal`, mean
/// over the mixes, as a range over the calibration's knobs. Nothing is tuned to a published
/// figure; a claim that fails is shown as failing, with the exceptions.
public struct GpuLetsReproduction: Sendable {
    /// Whether everything is sampled, so that it ends within a minute.
    public let isQuick: Bool
    /// The seed of all simulations.
    public let seed: UInt64
    let effort: PeakSearch.Effort
    var result: ExperimentResult
    /// Plans that broke a rule, and how many were looked at.
    var invalid: [String] = []
    var audited = 0
    /// Plans in the released code's own order that break a rule: its latencies between profiled
    /// batches are not those of rule 1, and it repairs only some of what neighbours suffer.
    var brokenByRelease = 0

    private init(quick: Bool, seed: UInt64) {
        isQuick = quick
        self.seed = seed
        effort = quick ? .quick : .full
        result = ExperimentResult(experiment: "gpulets", seed: seed)
    }

    /// Runs everything.
    ///
    /// - Parameters:
    ///   - quick: Sampled scenarios, short simulations; every check is decided all the same.
    ///   - progress: Is told what begins.
    /// - Throws: `PlanError` where a planner or a setup is refused, which is a defect.
    public static func run(
        quick: Bool,
        seed: UInt64 = 1,
        progress: (String) -> Void = { _ in }
    ) throws(PlanError) -> ExperimentResult {
        var run = GpuLetsReproduction(quick: quick, seed: seed)
        progress("golden vectors")
        try run.checkGoldenVectors()
        progress("(a) schedulability")
        try run.countScenarios()
        progress("(b) highest rates, (c) interference awareness")
        let peaks = try run.findPeaks()
        try run.judge(peaks)
        try run.compareAwareness()
        progress("(d) fluctuation, devices needed")
        try run.followFluctuation()
        try run.countDevices(peaks)
        progress("(e) interference error")
        let (rows, checks) = try InterferenceExperiment.synthetic(seed: seed)
        run.result.rows += rows
        run.result.checks += checks
        progress("(f) ablations")
        try run.ablate()
        progress("headline over the knobs")
        try run.rangeOfHeadline()
        try run.checkDigest()
        run.checkAudits()
        return run.result
    }

    /// The planners that are compared, those of this build that there are.
    static let planners: [String] =
        ["temporal", "self-tuning", "elastic", "elastic:interference=off", "exhaustive"]
        + (PlannerCatalogue.names.contains("confluence")
            ? ["confluence:capacity=paper", "confluence"] : [])

    /// `planner` with `option`; nil where it does not know it.
    static func planner(
        _ planner: String,
        _ option: String = ""
    ) -> (any Planner)? {
        try? PlannerCatalogue.planner(named: Schedulability.named(planner, with: option))
    }

    mutating func row(
        _ metric: String,
        _ labels: [(String, String)],
        published: Double? = nil,
        _ measured: Double?,
        _ unit: String
    ) {
        result.rows.append(
            ResultRow(
                metric,
                labels: labels.map { .init($0.0, $0.1) },
                published: published,
                measured: measured,
                unit: unit,
                basis: .simulated
            )
        )
    }

    // MARK: Gates

    private mutating func checkGoldenVectors() throws(PlanError) {
        let misses = try GoldenVectors.misses()
        result.checks.append(
            ResultCheck(
                "golden vectors of the released code",
                kind: .gate,
                goal: "all \(GoldenVectors.all.count) come out",
                value: Double(GoldenVectors.all.count - misses.count),
                holds: misses.isEmpty,
                note: misses.joined(separator: " | ")
            )
        )
    }

    private mutating func checkDigest() throws(PlanError) {
        let search = try PeakSearch(GpuLetsMix.all[0], seed: seed)
        let inputs = search.inputs(at: 100)
        let plan = try ElasticPlanner().plan(inputs)
        var digests: [UInt64] = []
        var complaints: [String] = []
        for _ in 0..<2 {
            let ledger = try search.run(
                plan,
                at: 100,
                policy: "duty",
                seed: seed,
                duration: .seconds(5),
                audits: true
            )
            digests.append(ledger.digest)
            complaints += ledger.complaints
        }
        result.checks.append(
            ResultCheck(
                "one seed, one digest",
                kind: .gate,
                goal: "two runs give the same orders, and the auditor has no complaint",
                value: nil,
                holds: digests[0] == digests[1] && complaints.isEmpty,
                note: complaints.first ?? ""
            )
        )
    }

    private mutating func checkAudits() {
        row("plans in the released order that break a rule", [], Double(brokenByRelease), "plans")
        result.checks.append(
            ResultCheck(
                "every plan passes the audit",
                kind: .gate,
                goal: "no violation in \(audited) plans",
                value: Double(invalid.count),
                holds: invalid.isEmpty,
                note: invalid.first ?? ""
            )
        )
    }

    // MARK: (a)

    private mutating func countScenarios() throws(PlanError) {
        let released = "order=released"
        for (name, grid) in [
            ("five models", try Schedulability.Grid.fiveModels()),
            ("nine models", try Schedulability.Grid.nineModels()),
        ] {
            let isFive = name == "five models"
            let settings =
                isFive
                ? Schedulability.margins
                : [
                    Schedulability.margins[0], Schedulability.margins[7],
                ]
            var counts: [String: Int] = [:]
            for setting in settings {
                for planner in Self.planners + ["elastic:" + released, "temporal:" + released] {
                    guard let made = Self.planner(planner, setting.option) else { continue }
                    let step = stride(of: planner, isFive)
                    let score = try Schedulability.score(made, on: grid, stride: step)
                    if planner.contains(released) {
                        brokenByRelease += score.invalid
                    } else {
                        audited += score.tried
                        if let line = score.violation { invalid.append("\(made.name): \(line)") }
                    }
                    counts["\(planner) \(setting.name)"] = score.scheduled * 1_000 / score.tried
                    row(
                        "scenarios scheduled",
                        [
                            ("scenarios", name), ("planner", planner),
                            ("margins", setting.name), ("tried", "\(score.tried)"),
                        ],
                        Double(score.scheduled),
                        "of \(score.tried)"
                    )
                }
            }
            claim(counts, settings.map(\.name), of: name)
        }
    }

    /// Every how many scenarios one is tried.
    private func stride(of planner: String, _ isFive: Bool) -> Int {
        let isSlow = planner.hasPrefix("exhaustive") || planner.hasPrefix("confluence")
        if isQuick { return isFive ? (isSlow ? 31 : 4) : (isSlow ? 601 : 40) }
        return isFive ? 1 : (isSlow ? 19 : 1)
    }

    private mutating func claim(_ counts: [String: Int], _ settings: [String], of grid: String) {
        func compare(_ better: String, _ worse: String, strictly: Bool) {
            var exceptions: [String] = []
            for setting in settings {
                guard let left = counts["\(better) \(setting)"],
                    let right = counts["\(worse) \(setting)"]
                else { return }
                let isAllBoth = left == 1_000 && right == 1_000
                if strictly ? left <= right && !isAllBoth : left < right {
                    exceptions.append("margins \(setting): \(left) to \(right) of 1000")
                }
            }
            result.checks.append(
                ResultCheck(
                    "\(grid): \(better) against \(worse)",
                    kind: .claim,
                    goal: "schedules \(strictly ? "more" : "at least as many") scenarios",
                    value: Double(settings.count - exceptions.count),
                    holds: exceptions.isEmpty,
                    note: exceptions.joined(separator: "; ")
                )
            )
        }
        compare("elastic", "temporal", strictly: true)
        compare("confluence:capacity=paper", "exhaustive", strictly: false)
    }
}
