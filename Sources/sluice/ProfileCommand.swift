import ArgumentParser
import EngineONNX
import Foundation
import Logging
import ModelRepository
import Profiler
import ServerRuntime
import ServingDomain

/// Measures models on this machine, for planners and for the core.
struct ProfileCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "profile",
        abstract: "Measure models on this machine's cores or GPUs.",
        discussion: """
            Every batch (doublings up to max_batch_size) runs on every number of cores \
            (doublings), alone on the machine, until its median is known within --precision or \
            --rounds rounds are over. Each model's profile is written as soon as it is measured; \
            one that is there for the same file, machine and engine is kept, so an interrupted \
            run goes on where it stopped. --pairs then runs every two models side by side, on \
            disjoint cores and on one shared set, and says how well the linear model of \
            interference predicts what that costs. With --gpus the GPUs are measured instead: \
            copies, gpulets, every share, and with --pairs or --triples models side by side.
            """
    )

    @Option(
        name: [.customLong("model-repository"), .customLong("model-store")],
        help: "A folder of models in Triton's layout; may be given several times."
    )
    var repositories: [String]
    @Option(help: "A model to measure; may be repeated. All, if none is named.")
    var model: [String] = []
    @Option(help: "Where profiles are written to; made if it is not there.")
    var output = "profiles"
    @Flag(help: "Also measure every two models side by side.") var pairs = false
    @Option(help: "How wide the median's 95 % confidence interval may be, in per cent.")
    var precision: Double = 2
    @Option(help: "The most rounds over all points.") var rounds: Int = 5
    @Option(help: "The time for each point in a round, in seconds.") var seconds: Double = 1
    @Option(help: "The largest batch to measure; max_batch_size if that is less.")
    var maxBatch: Int32 = 32
    @Flag(help: "Measure again what is there already.") var again = false
    @Option(help: "ONNX Runtime's shared library.") var onnxruntime: String?
    @Flag(help: "Print JSON.") var json = false
    @OptionGroup(title: "GPUs, instead of this machine's cores") var gpus: GPUOptions
    @OptionGroup(title: "With --gpus") var grid: GridOptions

    func validate() throws {
        guard precision > 0, precision <= 50 else {
            throw ValidationError("--precision must be above 0 and at most 50 %")
        }
        guard (1...100).contains(rounds) else {
            throw ValidationError("--rounds must be from 1 to 100")
        }
        guard seconds > 0, seconds <= 600 else {
            throw ValidationError("--seconds must be above 0 and at most 600")
        }
        guard (1...65_536).contains(maxBatch) else {
            throw ValidationError("--max-batch must be from 1 to 65536")
        }
    }

    func run() throws {
        do {
            try measure()
        } catch let error as EngineError {
            throw CommandFailure(error.message)
        } catch let error as SourceError {
            throw CommandFailure(error.message)
        } catch let error as ProfilerError {
            throw CommandFailure(error.description)
        }
    }

    private func measure() throws {
        let request = try gpus.request(usual: .none)
        let log = Logger(label: "sluice") { StreamLogHandler.standardError(label: $0) }
        let engine = try ONNXEngine(library: onnxruntime, gpus: request, log: log)
        let repository = try ModelRepository(paths: repositories)
        let known = try repository.names()
        if let missing = model.first(where: { !known.contains($0) }) {
            throw SourceError(
                .notFound,
                OptionedName.unknown("model", missing, known: known)
            )
        }
        let wanted = model.isEmpty ? known : known.filter(model.contains)
        guard !wanted.isEmpty else {
            throw SourceError(.notFound, "there is no model to measure; check the repository")
        }
        var patience = Patience()
        patience.precision = precision / 100
        patience.roundTime = .milliseconds(rounding: seconds * 1_000)
        patience.mostRounds = rounds
        patience.leastRounds = min(patience.leastRounds, rounds)
        let session = ProfilingSession(
            engine: engine,
            repository: repository,
            folder: try ProfileFolder(output),
            patience: patience,
            maxBatch: maxBatch,
            again: again,
            console: Console(showsBar: !json)
        )
        if request.selection != .none {
            let groups: MeasurementGrid.Groups =
                grid.triples ? .triples : pairs ? .pairs : .none
            return try GPUProfiling(session: session, groups: groups, minutes: grid.minutes)
                .measure(wanted, json: json)
        }
        if let warning = HostLoad.warning(cores: HostCores.available().count) {
            session.console.note(warning)
        }
        let profiles = try session.profiles(of: wanted)
        let result = pairs ? try session.pairs(of: wanted, profiles) : nil
        let report = ProfilingReport(folder: output, profiles: profiles, interference: result)
        print(json ? report.json() : report.text())
    }
}

/// Where long work says how far it is: one line that is overwritten on a terminal, else nothing
/// but what has been finished.
struct Console: Sendable {
    /// Whether somebody watches.
    let isLive: Bool

    init(showsBar: Bool) {
        isLive = showsBar && isatty(FileHandle.standardError.fileDescriptor) == 1
    }

    /// Says how far it is.
    func progress(_ line: String) {
        guard isLive else { return }
        write("\r" + line.prefix(100) + "\u{1B}[K")
    }

    /// Says what has been finished.
    func note(_ line: String) {
        write((isLive ? "\r\u{1B}[K" : "") + line + "\n")
    }

    private func write(_ text: String) {
        FileHandle.standardError.write(Data(text.utf8))
    }
}
