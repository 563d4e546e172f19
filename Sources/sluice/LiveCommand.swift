import ArgumentParser
import Documents
import Experiments
import Foundation
import LiveExperiments
import Reports
import UnixSignals

/// Puts real servers under real load and judges what comes out.
struct LiveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "live",
        abstract: "Measure whole servers on this machine under load.",
        discussion: """
            Starts `sluice serve` as often as it needs to, on 127.0.0.1 and free ports, with zoo \
            networks in a temporary folder, and ends every server that it started. 25 minutes at \
            most, with --quick 10. Run it on a quiet machine: what others take is missing from the \
            numbers. Parts: \
            \(LivePart.allCases.map { "\($0.rawValue) \($0.title)" }.joined(separator: "; ")). \
            Exit code 0 also when a claim fails; 1: a gate does not hold.
            """
    )

    @Flag(help: "A few minutes: every check is decided, on little evidence.") var quick = false
    @Option(help: "The parts to run, such as a,c; all if not given.") var part: String?
    @Option(help: "The seed of arrivals.") var seed: UInt64 = 1
    @Option(help: "Packages of a real Triton, to be measured beside; see Docs/BENCHMARKS.md.")
    var triton: String?
    @Option(help: "A system that part a compares; several times, triton and others if not given.")
    var system: [String] = []
    @Option(help: "Another build of sluice to measure; this one if not given.")
    var binary: String?
    @Option(help: "ONNX Runtime's shared library; found by itself if not given.")
    var onnxruntime: String?
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let own =
            try binary
            ?? FileManager.default.destinationOfSymbolicLink(
                atPath: "/proc/self/exe"
            )
        guard FileManager.default.isExecutableFile(atPath: own) else {
            throw CommandFailure("'\(own)' is no program; name a build of sluice with --binary")
        }
        var options = LiveOptions(executable: own)
        do throws(LiveError) {
            options.parts = try LivePart.list(part)
        } catch {
            throw CommandFailure("\(error)")
        }
        options.pace = quick ? .quick : .whole
        options.seed = seed
        options.triton = triton
        if !system.isEmpty { options.systems = system }
        options.library = onnxruntime
        options.progress = { OutputOptions.note("live: \($0)") }
        let outcome = try await Self.stoppable { [options] in
            try await LiveExperiment(options).run()
        }
        output.print(
            json: ResultDocument(outcome.result).json(),
            text: ResultReport.text(outcome.result)
        )
        try output.write(outcome.report)
        try outcome.result.complainOfGates()
    }

    /// Runs `body`; an interrupt cancels it, so that its servers are ended, too.
    private static func stoppable(
        _ body: @escaping @Sendable () async throws -> LiveExperiment.Outcome
    ) async throws -> LiveExperiment.Outcome {
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        return try await withThrowingTaskGroup(of: LiveExperiment.Outcome?.self) { group in
            group.addTask {
                do {
                    return try await body()
                } catch let error as LiveError {
                    throw CommandFailure("\(error)")
                } catch is CancellationError {
                    throw CommandFailure("interrupted; all servers have been ended")
                }
            }
            group.addTask {
                for await _ in signals { break }
                return nil
            }
            defer { group.cancelAll() }
            guard let first = try await group.next() else {
                throw CommandFailure("nothing was run")
            }
            if let first { return first }
            group.cancelAll()
            _ = try await group.next()
            throw CommandFailure("interrupted; all servers have been ended")
        }
    }
}
