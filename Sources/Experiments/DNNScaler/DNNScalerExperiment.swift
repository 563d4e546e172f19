public import Reports
public import ServerCore
import ServingDomain

/// `reproduce dnnscaler`: the 27 known jobs of the DNNScaler paper on a model of its Tesla P40,
/// in two regimes, under five scalers and the exhaustive optimum.
///
/// Every scaler decides inside a real `ServerCore` that is driven in virtual time.
public struct DNNScalerExperiment: Sendable {
    /// How much of it to do.
    public struct Options: Hashable, Sendable {
        /// Jobs run for half of the time.
        public var isQuick: Bool
        /// What all noise is drawn from.
        public var seed: UInt64
        /// The authors' table, where there is one; empty = the gates on it are left out.
        public var tables: [MeasuredLevels]

        /// Creates options.
        public init(isQuick: Bool = false, seed: UInt64 = 1, tables: [MeasuredLevels] = []) {
            self.isQuick = isQuick
            self.seed = seed
            self.tables = tables
        }
    }

    /// Rows and checks.
    public let result: ExperimentResult
    /// The same as pictures.
    public let report: Report

    /// Runs it.
    ///
    /// - Throws: Never with the scalers' own names; whatever a core says of its configuration.
    /// Cost: some 25 s of one core in release, half of it with `isQuick`.
    public init(_ options: Options = Options()) throws(ConfigurationError) {
        let seconds: Int64 = options.isQuick ? 150 : 300
        var runs: [JobRun] = []
        for regime in P40Device.Regime.allCases {
            for job in P40Job.all {
                for contender in JobRun.contenders {
                    runs.append(
                        try JobRun(
                            P40Device(job, regime),
                            contender,
                            seconds: seconds,
                            seed: options.seed
                        )
                    )
                }
            }
        }
        let steps = try ObjectiveSteps.all(seconds: seconds, seed: options.seed)
        let open = try OpenLoop.all(seconds: seconds / 2, seed: options.seed)
        var result = ExperimentResult(experiment: "dnnscaler", seed: options.seed)
        result.checks = try GoldenTraces.checks(options.tables, seed: options.seed)
        let comparison = JobComparison(runs)
        result.rows = comparison.rows + steps.flatMap(\.rows) + open.flatMap(\.rows)
        result.checks +=
            comparison.checks + ObjectiveSteps.checks(steps) + OpenLoop.checks(open)
        self.result = result
        report = DNNScalerReport.make(result, comparison, steps)
    }
}
