import Reports
import ServerCore
import ServingDomain

/// The pictures of `reproduce dnnscaler`.
enum DNNScalerReport {
    static func make(
        _ result: ExperimentResult,
        _ comparison: JobComparison,
        _ steps: [ObjectiveSteps]
    ) -> Report {
        let failing = result.checks.filter { !$0.holds }
        let gates = result.gatesHold ? "All gates hold" : "A GATE FAILS"
        return Report(
            "Batching or multi-tenancy: DNNScaler",
            summary: "\(gates); \(failing.count) of \(result.checks.count) checks do not hold.",
            facts: [
                .init("seed", "\(result.seed)"), .init("jobs", "\(P40Job.all.count)"),
                .init("basis", "simulated: a model of the authors' Tesla P40"),
            ],
            sections: [
                checks(result),
                surfaces(),
                shares(comparison),
                trajectories(comparison),
                objective(steps),
            ]
        )
    }

    private static func checks(_ result: ExperimentResult) -> Report.Section {
        let rows = result.checks.map { check in
            [
                Table.Cell.text(check.name), .text(check.kind.rawValue), .text(check.goal),
                .number(check.value, decimals: 2),
                .verdict(check.holds ? .holds : .fails, check.holds ? "holds" : "fails"),
                .text(check.note),
            ]
        }
        let table = Table(
            columns: [
                .init("check"), .init("kind"), .init("goal"), .init("value", isNumeric: true),
                .init("result"), .init("note"),
            ],
            rows: rows
        )
        return .init("Checks", [.table(table)])
    }

    private static func surfaces() -> Report.Section {
        let blocks = P40Device.Regime.allCases.map { regime -> Report.Block in
            let job = P40Job.all[14]
            let device = P40Device(job, regime)
            let batches: [Int32] = [1, 2, 4, 8, 16, 24, 32, 48, 64, 96, 128]
            let values = (1...P40Device.mostInstances).map { instances in
                batches.map { batch -> Double? in
                    let isHeld = device.tail(batch: batch, instances: instances) <= job.sloMs
                    let setting = LaneSetting(batch: batch, instances: instances)
                    return isHeld ? device.rate(setting) : nil
                }
            }
            let map = HeatMap(
                xLabel: "batch",
                columns: batches.map { "\($0)" },
                yLabel: "instances",
                rows: (1...P40Device.mostInstances).map { "\($0)" },
                valueLabel: "items/s within the objective",
                values: values
            )
            return .chart(Chart("\(job.name), \(regime.rawValue)", .heat(map)))
        }
        return .init("Throughput by batch and instances", blocks)
    }

    private static func shares(_ comparison: JobComparison) -> Report.Section {
        let blocks = P40Device.Regime.allCases.map { regime -> Report.Block in
            let groups = JobRun.contenders.map { contender in
                BarChart.Group(
                    contender.label,
                    comparison.runs(regime, contender.label).map {
                        .init((comparison.share($0) ?? 0) * 100)
                    }
                )
            }
            let chart = BarChart(
                Axis("% of the exhaustive optimum", includesZero: true),
                categories: P40Job.all.map { "\($0.number)" },
                groups: groups
            )
            return .chart(
                Chart("Throughput by job, \(regime.rawValue)", width: .full, .bars(chart))
            )
        }
        return .init("Against the exhaustive optimum", blocks)
    }

    private static func trajectories(_ comparison: JobComparison) -> Report.Section {
        let blocks = P40Device.Regime.allCases.flatMap { regime -> [Report.Block] in
            let runs = JobRun.contenders.compactMap { contender in
                comparison.runs(regime, contender.label).first { $0.device.job.number == 15 }
            }
            let batch = runs.map { line($0.contender.label, $0.ledger, $0.length, \.batch) }
            let level = runs.map { line($0.contender.label, $0.ledger, $0.length, \.instances) }
            return [
                .chart(
                    Chart(
                        "Batch limit, job 15, \(regime.rawValue)",
                        .lines(LineChart(x: Axis("s"), y: Axis("items"), series: batch))
                    )
                ),
                .chart(
                    Chart(
                        "Instances, job 15, \(regime.rawValue)",
                        .lines(LineChart(x: Axis("s"), y: Axis("instances"), series: level))
                    )
                ),
            ]
        }
        return .init("How the knobs move", blocks)
    }

    private static func line(
        _ label: String,
        _ ledger: LoopLedger,
        _ length: TimeSpan,
        _ part: KeyPath<LaneSetting, Int32>
    ) -> Series {
        var points = ledger.moves.map {
            Series.Point(($0.at - .zero).inSeconds, Double($0.setting[keyPath: part]))
        }
        if let last = points.last { points.append(.init(length.inSeconds, last.y)) }
        return Series(label, points, style: .step)
    }

    private static func objective(_ steps: [ObjectiveSteps]) -> Report.Section {
        let blocks = steps.filter { $0.label == "confluence" }.map { step -> Report.Block in
            let tail = step.ledger.windows.map {
                Series.Point(($0.ended - .zero).inSeconds, $0.p95.inMilliseconds)
            }
            let limit = step.ledger.windows.map {
                Series.Point(($0.ended - .zero).inSeconds, $0.objective.inMilliseconds)
            }
            let chart = LineChart(
                x: Axis("s"),
                y: Axis("ms", includesZero: true),
                series: [
                    Series("objective", limit, style: .step), Series("p95", tail, style: .line),
                ]
            )
            let title = "confluence, \(step.device.job.name), \(step.device.regime.rawValue)"
            return .chart(Chart(title, .lines(chart)))
        }
        return .init("An objective that is halved and doubled", blocks)
    }
}
