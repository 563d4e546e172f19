public import Reports
import ServerCore

/// The reproduction as a page.
public enum StraitReport {
    /// Puts results and runs on a page with pictures.
    public static func make(_ result: ExperimentResult, _ samples: StraitSamples) -> Report {
        Report(
            "Strait: deadlines under contention",
            summary: summary(result),
            facts: [
                Report.Fact("seed", "\(result.seed)"),
                Report.Fact("runs", "\(samples.all.count)"),
                Report.Fact("basis", "simulated: L4 preset, synthetic contention"),
            ],
            sections: [
                Report.Section("Checks", [checks(result)]),
                Report.Section("Violations", violations(samples)),
                Report.Section("Predictions", predictions(samples)),
                Report.Section("All numbers", [numbers(result)]),
            ]
        )
    }

    private static func summary(_ result: ExperimentResult) -> String {
        let failing = result.checks.filter { !$0.holds }
        let base =
            "The paper's own set-up could not be obtained; this is a stand-in with six networks "
            + "on an L4 preset. Published: 1.02 to 11.18 percentage points fewer violations of "
            + "high priority."
        guard !failing.isEmpty else { return base + " All \(result.checks.count) checks hold." }
        return base + " \(failing.count) of \(result.checks.count) checks do not hold: "
            + failing.map(\.name).joined(separator: "; ") + "."
    }

    private static func checks(_ result: ExperimentResult) -> Report.Block {
        .table(
            Table(
                columns: [
                    .init("check"), .init("kind"), .init("goal"),
                    .init("value", isNumeric: true), .init("holds"), .init("note"),
                ],
                rows: result.checks.map { check in
                    [
                        .text(check.name), .text(check.kind.rawValue), .text(check.goal),
                        .number(check.value, decimals: 2),
                        .verdict(check.holds ? .holds : .fails, check.holds ? "yes" : "no"),
                        .text(check.note),
                    ]
                }
            )
        )
    }

    private static func numbers(_ result: ExperimentResult) -> Report.Block {
        .table(
            Table(
                columns: [
                    .init("metric"), .init("labels"), .init("published", isNumeric: true),
                    .init("measured", isNumeric: true), .init("unit"),
                ],
                rows: result.rows.map { row in
                    [
                        .text(row.metric),
                        .text(row.labels.map { "\($0.key) \($0.value)" }.joined(separator: ", ")),
                        .number(row.published, decimals: 2), .number(row.measured, decimals: 3),
                        .text(row.unit),
                    ]
                }
            )
        )
    }

    // MARK: Pictures

    private static func violations(_ samples: StraitSamples) -> [Report.Block] {
        let loads = StraitCell.axes.filter { $0.axis == "load" || $0.axis == "base" }
            .filter { !samples.runs($0, .strait).isEmpty }
            .sorted { $0.load < $1.load }
        let policies: [StraitPolicyCase] = [
            .strait, .confluence, .edf, .triton, .preemptive, .oracle,
        ]
        var blocks: [Report.Block] = [base(samples)]
        for isHigh in [true, false] {
            let series = policies.map { policy in
                Series(
                    policy.name,
                    loads.compactMap { cell in
                        samples.mean(cell, policy) {
                            isHigh ? $0.high.percent : $0.low.percent
                        }.map { Series.Point(cell.load, $0) }
                    }
                )
            }
            blocks.append(
                .chart(
                    Chart(
                        isHigh ? "High priority by load" : "Low priority by load",
                        caption: "Means over the seeds; all else as in the base cell.",
                        width: .half,
                        .lines(
                            LineChart(
                                x: Axis("load"),
                                y: .fromZero("violations, %"),
                                series: series
                            )
                        )
                    )
                )
            )
        }
        return blocks
    }

    private static func base(_ samples: StraitSamples) -> Report.Block {
        let policies = StraitPolicyCase.main.filter { !samples.runs(.base, $0).isEmpty }
        func bars(_ measure: (StraitSample) -> Double) -> [BarChart.Bar] {
            policies.map { BarChart.Bar(samples.mean(.base, $0, measure) ?? .nan) }
        }
        return .chart(
            Chart(
                "Base cell: violations by policy and class",
                width: .full,
                .bars(
                    BarChart(
                        .fromZero("violations, %"),
                        categories: policies.map(\.name),
                        groups: [
                            BarChart.Group("high", bars { $0.high.percent }),
                            BarChart.Group("low", bars { $0.low.percent }),
                        ]
                    )
                )
            )
        )
    }

    /// The error of runs second by second around each drift, of the first seed.
    private static func predictions(_ samples: StraitSamples) -> [Report.Block] {
        StraitCell.drifts.compactMap { cell -> Report.Block? in
            guard let run = samples.runs(cell, .strait).first, let drift = run.driftSecond else {
                return nil
            }
            let windows = run.forecast.windows.filter { $0.number > drift - 30 }
            func series(
                _ name: String,
                _ part: KeyPath<PredictionWindow, PredictionScore>
            ) -> Series {
                Series(
                    name,
                    windows.compactMap { window in
                        window[keyPath: part].meanPercent.map {
                            Series.Point(Double(window.number - drift), $0)
                        }
                    }
                )
            }
            return .chart(
                Chart(
                    "Error of runs: \(cell.value)",
                    caption: "The drift comes at 0 s.",
                    width: .half,
                    .lines(
                        LineChart(
                            x: Axis("seconds"),
                            y: .fromZero("mean |error|, %"),
                            series: [
                                series("learned", \.learned), series("static", \.fixed),
                                series("ignored", \.solo),
                            ]
                        )
                    )
                )
            )
        }
    }
}
