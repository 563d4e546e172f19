import ServingDomain

/// How good the forecast was, for metrics and experiments.
public struct ForecastReport: Hashable, Sendable {
    /// How often the safe forecast of one class held.
    public struct Coverage: Hashable, Sendable {
        /// Forecasts held against what came.
        public var count: Int64 = 0
        /// The part of them that held, 0...1.
        public var covered = 0.0
        /// The part that was to hold.
        public var target = 0.0
    }

    /// By class.
    public var high = Coverage(), low = Coverage()
    /// All predictions, and those of every second that is kept.
    public var total: PredictionWindow
    /// By second.
    public var windows: [PredictionWindow]
    /// Runs that the weights were learned from.
    public var learned: Int64 = 0
    /// How often high priority was made to run alone.
    public var alarms: Int64 = 0
    /// Measured times that could not be right.
    public var ignored: Int64 = 0
}

extension Forecast {
    /// What has been predicted and learned so far. Allocates.
    package var report: ForecastReport {
        var report = ForecastReport(total: log.total, windows: log.inOrder)
        for kind in kinds.indices {
            for priority in PriorityClass.allCases {
                var coverage = priority == .high ? report.high : report.low
                var (covered, aimed) = (
                    coverage.covered * Double(coverage.count),
                    coverage.target * Double(coverage.count)
                )
                for company in 0..<4 {
                    let margin = margins[(kind * 2 + Int(priority.rawValue)) * 4 + company]
                    coverage.count += margin.seen
                    covered += Double(margin.covered)
                    aimed += margin.aimed
                }
                let count = Double(max(1, coverage.count))
                coverage.covered = covered / count
                coverage.target = aimed / count
                if priority == .high { report.high = coverage } else { report.low = coverage }
            }
            report.learned += learners[kind * 2].samples + learners[kind * 2 + 1].samples
            report.alarms += watches[kind].alarms
        }
        report.ignored = ignoredSamples
        return report
    }
}
