import ArgumentParser
import Experiments
import Foundation
import Planning
import Reports
import ServerCore
import Simulation

/// The papers that can be repeated, and how each is run.
enum Reproduction: String, CaseIterable, ExpressibleByArgument {
    case gpulets, dnnscaler, strait

    /// The parts of `reproduce live` that ask the same question.
    var liveParts: String {
        switch self {
        case .gpulets: "a,b,e,f"
        case .dnnscaler: "g"
        case .strait: "c,d"
        }
    }

    /// How much is run.
    enum Effort {
        case quick, usual, full
    }

    /// What a run is told.
    struct Options {
        var effort: Effort
        var seed: UInt64
        /// Where measurements lie that may not be passed on.
        var shared: String
        /// Told what is going on.
        var progress: @Sendable (String) -> Void
    }

    /// What comes out.
    struct Outcome {
        var result: ExperimentResult
        var report: Report
    }

    func run(_ options: Options) throws -> Outcome {
        switch self {
        case .gpulets: try Self.gpulets(options)
        case .dnnscaler: try Self.dnnscaler(options)
        case .strait: try Self.strait(options)
        }
    }

    private static func gpulets(_ options: Options) throws -> Outcome {
        do throws(PlanError) {
            let result = try GpuLetsReproduction.run(
                quick: options.effort == .quick,
                seed: options.seed,
                progress: options.progress
            )
            let title = "gpu-lets: devices split among models"
            return Outcome(result: result, report: ResultReport.report(result, title: title))
        } catch {
            throw CommandFailure(error.message)
        }
    }

    private static func strait(_ options: Options) throws -> Outcome {
        let effort: StraitReproduction.Effort =
            switch options.effort {
            case .quick: .quick
            case .usual: .standard
            case .full: .full
            }
        let jobs = StraitReproduction.jobs(effort, seed: options.seed)
        let progress = options.progress
        do {
            let runs = try ParallelRuns.samples(of: jobs) { ended in
                progress("\(ended) of \(jobs.count) runs")
            } run: { job in
                try job.run()
            }
            let samples = StraitSamples(runs, seed: options.seed)
            let result = try StraitReproduction.result(of: samples)
            return Outcome(result: result, report: StraitReport.make(result, samples))
        } catch let error as SimulationError {
            throw CommandFailure(error.message)
        }
    }

    private static func dnnscaler(_ options: Options) throws -> Outcome {
        let tables = MeasuredLevels.tables(in: options.shared + "/data/dnnscaler")
        options.progress("27 jobs in two regimes, five scalers, \(tables.count) measured tables")
        do throws(ConfigurationError) {
            let experiment = try DNNScalerExperiment(
                DNNScalerExperiment.Options(
                    isQuick: options.effort == .quick,
                    seed: options.seed,
                    tables: tables
                )
            )
            return Outcome(result: experiment.result, report: experiment.report)
        } catch {
            throw CommandFailure(error.message)
        }
    }
}

extension MeasuredLevels {
    /// What DNNScaler's authors measured at 1 to 10 instances, from their two tables; none where
    /// a table is missing or one does not fit the other.
    fileprivate static func tables(in folder: String) -> [MeasuredLevels] {
        let measured = rows(of: folder + "/p40_mtl_latency_ms.csv")
        let estimated = rows(of: folder + "/p40_mc_estimate_ms.csv")
        guard measured.map(\.name) == estimated.map(\.name) else { return [] }
        return zip(measured, estimated).map { measured, estimated in
            MeasuredLevels(
                name: measured.name,
                measured: measured.cells,
                estimated: estimated.cells
            )
        }
    }

    /// A heading, then data set, network and latencies in each line.
    private static func rows(of file: String) -> [(name: String, cells: [Double])] {
        guard let text = try? String(contentsOfFile: file, encoding: .utf8) else { return [] }
        return text.split(whereSeparator: \.isNewline).dropFirst().compactMap { line in
            let cells = line.split(separator: ",").map(String.init)
            guard cells.count > 2 else { return nil }
            return (cells[0] + " " + cells[1], cells.dropFirst(2).compactMap { Double($0) })
        }
    }
}
