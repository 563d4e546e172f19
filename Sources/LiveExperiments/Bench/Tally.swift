import LoadGenerator

/// How requests ended, so that shares of them can be judged.
struct Tally: Hashable, Sendable {
    /// Requests that count: all that were meant to be sent but for cancelled ones.
    var judged = 0
    /// Those of them that were late, dropped, refused, failed, or could not even be sent.
    var violated = 0
    /// Those of them that got neither a result nor a reason that belongs to their deadline: an
    /// error, no answer, or a server that was not there for them.
    var lost = 0
    /// Served in time.
    var served = 0

    /// Counts of nothing.
    init() {}

    /// Counts a line of a load's report.
    init(_ line: LoadReport.Line) {
        judged =
            line.served + line.late + line.dropped + line.refused + line.failed + line.notSent
        violated = judged - line.served
        served = line.served
        // 429 and 504 are answers to a deadline: refused early, given up.
        let kept = ["HTTP 429", "HTTP 504"]
        lost = line.errors.filter { !kept.contains($0.kind) }.reduce(0) { $0 + $1.count }
    }

    /// Adds others.
    static func += (sum: inout Tally, other: Tally) {
        sum.judged += other.judged
        sum.violated += other.violated
        sum.lost += other.lost
        sum.served += other.served
    }

    /// Violations in per cent; 0 of nothing.
    var violationPercent: Double {
        judged == 0 ? 0 : 100 * Double(violated) / Double(judged)
    }
}

extension LoadReport {
    /// All models together.
    var tally: Tally { models.map { Tally($0) }.reduce(into: Tally()) { $0 += $1 } }

    /// The line of a model.
    func line(of model: String) -> Line? { models.first { $0.model == model } }

    /// Violations of the model that has most, in per cent.
    var worst: Double { models.map { Tally($0).violationPercent }.max() ?? 0 }
}
