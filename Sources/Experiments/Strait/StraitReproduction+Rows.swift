import ServerCore

/// The numbers of the reproduction.
extension StraitReproduction {
    static func rows(of samples: StraitSamples) -> [ResultRow] {
        headline(samples) + violations(samples) + differences(samples) + equity(samples)
            + predictions(samples) + drifts(samples)
    }

    /// The cells and policies that were run, in the order of the runs.
    static func pairs(_ samples: StraitSamples) -> [(StraitCell, StraitPolicyCase)] {
        var seen: Set<Pair> = []
        var pairs: [(StraitCell, StraitPolicyCase)] = []
        for sample in samples.all
        where seen.insert(Pair(cell: sample.job.cell, policy: sample.job.policy)).inserted {
            pairs.append((sample.job.cell, sample.job.policy))
        }
        return pairs
    }

    private struct Pair: Hashable {
        var cell: StraitCell
        var policy: StraitPolicyCase
    }

    private static func labels(_ cell: StraitCell, _ policy: StraitPolicyCase) -> [ResultRow.Label]
    {
        [.init("cell", cell.name), .init("policy", policy.name)]
    }

    /// The published range beside the smallest and the largest reduction against the baselines
    /// without a forecast that know classes, over the cells where those miss more than 1 %.
    private static func headline(_ samples: StraitSamples) -> [ResultRow] {
        var rows: [ResultRow] = []
        for baseline in [StraitPolicyCase.edf, .triton, .fifo] {
            let cells = samples.cells(of: StraitCell.axes, with: [.strait, baseline])
            let missing = cells.filter {
                samples.mean($0, baseline) { $0.high.percent } ?? 0 > 1
            }
            let falls = missing.compactMap {
                samples.difference([$0], .strait, less: baseline) { $0.high.percent }
            }.map { -$0.mean }
            for (name, value, published) in [
                ("smallest", falls.min(), Self.published.low),
                ("largest", falls.max(), Self.published.high),
            ] {
                rows.append(
                    ResultRow(
                        "\(name) reduction of high-priority violations",
                        labels: [
                            .init("against", baseline.name), .init("cells", "\(missing.count)"),
                        ],
                        published: published,
                        measured: value,
                        unit: "points",
                        basis: .simulated
                    )
                )
            }
        }
        return rows
    }

    private static func violations(_ samples: StraitSamples) -> [ResultRow] {
        pairs(samples).flatMap { cell, policy in
            [
                ("high", samples.mean(cell, policy) { $0.high.percent }),
                ("low", samples.mean(cell, policy) { $0.low.percent }),
            ].map { name, value in
                ResultRow(
                    "violations",
                    labels: labels(cell, policy) + [.init("class", name)],
                    measured: value,
                    unit: "%",
                    basis: .simulated
                )
            }
        }
    }

    /// Points by which `strait` differs, and what it pays in low for each point of high.
    private static func differences(_ samples: StraitSamples) -> [ResultRow] {
        pairs(samples).filter { $0.1 != .strait }.flatMap { cell, policy in
            let high = samples.difference([cell], .strait, less: policy) { $0.high.percent }
            let low = samples.difference([cell], .strait, less: policy) { $0.low.percent }
            guard let high, let low else { return [ResultRow]() }
            var rows = [("high", high), ("low", low)].flatMap { name, found in
                [("mean", found.mean), ("from", found.low), ("to", found.high)].map { part, value in
                    ResultRow(
                        "strait less policy",
                        labels: labels(cell, policy)
                            + [.init("class", name), .init("of 95 %", part)],
                        measured: value,
                        unit: "points",
                        basis: .simulated
                    )
                }
            }
            if high.mean < -0.05 {
                rows.append(
                    ResultRow(
                        "price of priority",
                        labels: labels(cell, policy),
                        measured: low.mean / -high.mean,
                        unit: "low points per high point",
                        basis: .simulated
                    )
                )
            }
            return rows
        }
    }

    /// The paper's measure of equity is not known; these are four.
    private static func equity(_ samples: StraitSamples) -> [ResultRow] {
        pairs(samples).flatMap { cell, policy in
            [
                ("(i) Jain, high", samples.mean(cell, policy) { $0.high.jain }, "index"),
                ("(i) Jain, low", samples.mean(cell, policy) { $0.low.jain }, "index"),
                ("(ii) spread, low", samples.mean(cell, policy) { $0.low.spread }, "points"),
                ("(iii) class gap", samples.mean(cell, policy) { $0.classGap }, "points"),
                ("(iv) worst low", samples.mean(cell, policy) { $0.worstLow }, "% on time"),
            ].map { name, value, unit in
                ResultRow(
                    "equity \(name)",
                    labels: labels(cell, policy),
                    measured: value,
                    unit: unit,
                    basis: .simulated
                )
            }
        }
    }

    private static func predictions(_ samples: StraitSamples) -> [ResultRow] {
        let cells = StraitCell.axes.filter { !samples.runs($0, .strait).isEmpty }
        return cells.flatMap { cell in
            let parts: [(String, KeyPath<PredictionWindow, PredictionScore>)] = [
                ("run, learned weights", \.learned), ("run, fit of pairs", \.fixed),
                ("run, contention ignored", \.solo), ("run, company at launch", \.snapshot),
                ("transfer at launch", \.transfer), ("run at launch", \.run),
                ("finish at launch, high", \.high), ("finish at launch, low", \.low),
            ]
            return parts.map { name, part in
                let value = samples.mean(cell, .strait) {
                    $0.forecast.total[keyPath: part].meanPercent ?? 0
                }
                return ResultRow(
                    "prediction error",
                    labels: [.init("cell", cell.name), .init("of", name)],
                    measured: value,
                    unit: "%",
                    basis: .simulated
                )
            }
        }
    }

    private static func drifts(_ samples: StraitSamples) -> [ResultRow] {
        StraitCell.drifts.flatMap { cell in
            [("before", Int64(-15), Int64(0)), ("after", 5, 1_000)].flatMap { name, from, to in
                let found = samples.errors(cell, from: from, to: to)
                return [
                    ("learned", found.learned.meanPercent), ("static", found.fixed.meanPercent),
                    ("company at launch", found.snapshot.meanPercent),
                    ("ignored", found.solo.meanPercent),
                ].map { weights, value in
                    ResultRow(
                        "prediction error around a drift",
                        labels: [
                            .init("cell", cell.name), .init("when", name),
                            .init("weights", weights),
                        ],
                        measured: value,
                        unit: "%",
                        basis: .simulated
                    )
                }
            }
        }
    }
}
