import Reports
import ServerCore
import ServingDomain
import ServingTestKit
import Testing

@testable import Experiments

@Suite struct ProbeTests {
    @Test func whole() throws {
        let tables = (P40Tables.shared?.rows ?? []).map {
            MeasuredLevels(name: $0.name, measured: $0.measured, estimated: $0.estimated)
        }
        let clock = ContinuousClock()
        let start = clock.now
        for quick in [true, false] {
        for seed in [UInt64(1), 2] {
        let experiment = try DNNScalerExperiment(.init(isQuick: quick, seed: seed, tables: tables))
        print("took", clock.now - start, "quick", quick, "seed", seed)
        for check in experiment.result.checks { print(check.kind, check.holds ? "HOLDS" : "FAILS", check.name, check.value ?? .nan, "|", check.goal, "|", check.note) }
        if seed == 1 { for row in experiment.result.rows where row.metric.hasPrefix("mean") || row.metric.hasPrefix("largest") || row.metric.hasPrefix("objective") || row.metric.hasPrefix("open") {
            print(row.metric, row.labels.map(\.value), row.published ?? .nan, row.measured ?? .nan, row.unit)
        } }
        print(experiment.report.html().utf8.count)
        }
        }
    }
    @Test func table() throws {
        for regime in P40Device.Regime.allCases {
            for job in P40Job.all {
                let device = P40Device(job, regime)
                let best = device.optimum(sloMs: job.sloMs)
                var line = "\(regime.rawValue) \(job.number) \(job.name) slo \(job.sloMs) opt "
                if let best { line += "\(best.batch)x\(best.instances) \(Int(device.rate(best)))" }
                for contender in JobRun.contenders {
                    let run = try JobRun(device, contender, seconds: 240, seed: 1)
                    let rel = best.map { run.rate / device.rate($0) } ?? 0
                    line += " | \(contender.label) \(run.approach) \(run.ledger.moves.last.map { "\($0.setting.batch)x\($0.setting.instances)" } ?? "-") rel \((rel * 1000).rounded() / 1000) viol \(Int(run.ledger.violationTime().inSeconds)) settle \(run.settling.map { Int($0.inSeconds) } ?? -1) moves \(run.ledger.decisions())"
                    if contender.label == "confluence" { line += " \(run.ledger.moves.map { "\($0.setting.batch)x\($0.setting.instances)@\(Int($0.at.nanoseconds / 1_000_000_000))" }) after \(run.ledger.violatedShare(after: run.settled))" }
                }
                print(line)
            }
        }
    }
}
