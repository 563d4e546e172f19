import ServerCore

/// All runs of the reproduction, and what is asked of them.
public struct StraitSamples: Sendable {
    /// The runs, in the order of their jobs.
    public let all: [StraitSample]
    /// The seed of the bootstrap.
    public let seed: UInt64

    /// Takes the runs over.
    public init(_ all: [StraitSample], seed: UInt64) {
        self.all = all
        self.seed = seed
    }

    /// A number of one run.
    public typealias Measure = (StraitSample) -> Double

    /// The runs of a cell under a policy, by seed.
    public func runs(_ cell: StraitCell, _ policy: StraitPolicyCase) -> [StraitSample] {
        all.filter { $0.job.cell == cell && $0.job.policy == policy }
            .sorted { $0.job.seed < $1.job.seed }
    }

    /// The mean over the seeds; nil where nothing was run.
    public func mean(
        _ cell: StraitCell,
        _ policy: StraitPolicyCase,
        _ measure: Measure
    ) -> Double? {
        let runs = runs(cell, policy)
        guard !runs.isEmpty else { return nil }
        return runs.reduce(0) { $0 + measure($1) } / Double(runs.count)
    }

    /// `policy` less `other`, seed by seed, over one cell or several.
    public func difference(
        _ cells: [StraitCell],
        _ policy: StraitPolicyCase,
        less other: StraitPolicyCase,
        _ measure: Measure
    ) -> PairedDifference? {
        var differences: [Double] = []
        for cell in cells {
            let others = runs(cell, other)
            for run in runs(cell, policy) {
                guard let pair = others.first(where: { $0.job.seed == run.job.seed }) else {
                    continue
                }
                differences.append(measure(run) - measure(pair))
            }
        }
        return differences.isEmpty ? nil : PairedDifference(differences, seed: seed)
    }

    /// The cells of `candidates` that were run with both policies.
    public func cells(
        of candidates: [StraitCell],
        with policies: [StraitPolicyCase]
    ) -> [StraitCell] {
        candidates.filter { cell in
            policies.allSatisfy { policy in
                all.contains { $0.job.cell == cell && $0.job.policy == policy }
            }
        }
    }

    /// Prediction errors from `begin` to `end` seconds after the drift, over all seeds.
    func errors(_ cell: StraitCell, from begin: Int64, to end: Int64) -> PredictionWindow {
        var sums = PredictionWindow()
        for run in runs(cell, .strait) {
            guard let drift = run.driftSecond else { continue }
            for window in run.forecast.windows
            where window.number >= drift + begin && window.number < drift + end {
                sums.learned.add(window.learned)
                sums.fixed.add(window.fixed)
                sums.solo.add(window.solo)
                sums.snapshot.add(window.snapshot)
            }
        }
        return sums
    }
}
