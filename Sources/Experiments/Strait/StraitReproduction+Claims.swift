import ServerCore

/// The comparisons of the reproduction; each may fail, and then says where.
extension StraitReproduction {
    static func claims(_ samples: StraitSamples) -> [ResultCheck] {
        cellByCell(samples) + againstEDF(samples) + againstPreemption(samples)
            + ownStrategy(samples) + adaptation(samples)
    }

    /// Where order of arrival or Triton's levels miss more than 3 % of high priority, `strait` is
    /// better by at least the smallest published difference; elsewhere it is not worse.
    private static func cellByCell(_ samples: StraitSamples) -> [ResultCheck] {
        [StraitPolicyCase.fifo, .triton].map { baseline in
            let cells = samples.cells(of: StraitCell.axes, with: [.strait, baseline])
            var failing: [String] = []
            var least = Double.infinity
            for cell in cells {
                let base = samples.mean(cell, baseline) { $0.high.percent } ?? 0
                let found = samples.difference([cell], .strait, less: baseline) { $0.high.percent }
                guard let found else { continue }
                if base > 3 {
                    least = min(least, -found.mean)
                    if -found.mean < published.low || found.high >= 0 { failing.append(cell.name) }
                } else if found.mean > 0.2 {
                    failing.append(cell.name)
                }
            }
            return ResultCheck(
                "strait against \(baseline.name), high, cell by cell",
                kind: .claim,
                goal: "at least 1.02 points fewer where it misses over 3 %, else at most +0.2",
                value: least.isFinite ? least : nil,
                holds: failing.isEmpty,
                note: failing.isEmpty
                    ? "\(cells.count) cells" : "not in: \(failing.joined(separator: "; "))"
            )
        }
    }

    private static func againstEDF(_ samples: StraitSamples) -> [ResultCheck] {
        let cells = samples.cells(of: StraitCell.axes, with: [.strait, .edf])
        let heavy = cells.filter { $0.load >= 1 }
        return [
            check(
                "strait against edf, high, pooled",
                goal: "at most +0.2 points (upper end of 95 %)",
                samples.difference(cells, .strait, less: .edf) { $0.high.percent }
            ) { $0.high <= 0.2 },
            check(
                "strait against edf, low, pooled at load 1.0 and more",
                goal: "fewer violations",
                samples.difference(heavy, .strait, less: .edf) { $0.low.percent }
            ) { $0.mean < 0 },
        ]
    }

    private static func againstPreemption(_ samples: StraitSamples) -> [ResultCheck] {
        let cells = samples.cells(of: StraitCell.axes, with: [.strait, .preemptive])
        let other = StraitPolicyCase.preemptive
        return [
            check(
                "strait against preemptive 8, low, pooled",
                goal: "fewer violations",
                samples.difference(cells, .strait, less: other) { $0.low.percent }
            ) { $0.high < 0 },
            check(
                "equity (i), Jain's index of low, pooled",
                goal: "higher than under preemptive 8",
                samples.difference(cells, .strait, less: other) { $0.low.jain }
            ) { $0.low > 0 },
            check(
                "equity (iii), class gap, pooled",
                goal: "smaller than under preemptive 8",
                samples.difference(cells, .strait, less: other) { $0.classGap }
            ) { $0.high < 0 },
        ]
    }

    private static func ownStrategy(_ samples: StraitSamples) -> [ResultCheck] {
        let cells = samples.cells(of: StraitCell.axes, with: [.strait, .confluence])
        let heavy = cells.filter { $0.load >= 1 }
        let high = samples.difference(heavy, .confluence, less: .strait) { $0.high.percent }
        let low = samples.difference(heavy, .confluence, less: .strait) { $0.low.percent }
        var checks = [("high", cells), ("low", cells)].map { name, cells in
            check(
                "confluence against strait, \(name), pooled",
                goal: "at most +0.2 points",
                samples.difference(cells, .confluence, less: .strait) {
                    name == "high" ? $0.high.percent : $0.low.percent
                }
            ) { $0.mean <= 0.2 }
        }
        checks.append(
            ResultCheck(
                "confluence against strait at load 1.0 and more",
                kind: .claim,
                goal: "at least 1 point fewer violations of one class",
                value: min(high?.mean ?? 0, low?.mean ?? 0),
                holds: min(high?.mean ?? 0, low?.mean ?? 0) <= -1
            )
        )
        return checks
    }

    /// Learning on line pays where the truth changes, and costs little where only the load does.
    private static func adaptation(_ samples: StraitSamples) -> [ResultCheck] {
        StraitCell.drifts.compactMap { cell in
            let after = samples.errors(cell, from: 5, to: 1_000)
            guard let learned = after.learned.meanPercent, let fixed = after.fixed.meanPercent,
                fixed > 0
            else { return nil }
            let changesTruth = cell.drift == .models || cell.drift == .power
            let limit = changesTruth ? (cell.slots >= 4 ? 0.5 : 1) : 1.1
            let goal = changesTruth ? "at most" : "no more than"
            return ResultCheck(
                "learned / static error after drift: \(cell.value)",
                kind: .claim,
                goal: "\(goal) \(limit)",
                value: learned / fixed,
                holds: learned / fixed <= limit && (limit != 1 || learned < fixed)
            )
        }
    }

    private static func check(
        _ name: String,
        goal: String,
        _ found: PairedDifference?,
        _ holds: (PairedDifference) -> Bool
    ) -> ResultCheck {
        guard let found else {
            return ResultCheck(
                name,
                kind: .claim,
                goal: goal,
                value: nil,
                holds: false,
                note: "not run"
            )
        }
        return ResultCheck(
            name,
            kind: .claim,
            goal: goal,
            value: found.mean,
            holds: holds(found),
            note: "95 % within \(rounded(found.low)) to \(rounded(found.high)), "
                + "\(found.count) pairs"
        )
    }

    static func rounded(_ value: Double) -> String {
        let sign = value < 0 ? "-" : ""
        let hundredths = Int64((abs(value) * 100).rounded())
        let rest = hundredths % 100
        return "\(sign)\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)"
    }
}
