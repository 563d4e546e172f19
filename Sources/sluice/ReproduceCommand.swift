import ArgumentParser
import Documents
import Experiments
import Foundation
import Reports

/// Repeats the published results on the simulator and judges what comes out.
struct ReproduceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "paper",
        abstract: "Repeat a paper's results and hold them against what was published.",
        discussion: """
            Exit code 0 also when a claim fails: what was found is the result, and the check's \
            note says why. 1: a gate does not hold, which is a defect. With --json the rows and \
            checks are printed; see Docs/FILES.md.
            """
    )

    @Argument(
        help: "Which paper: \(Reproduction.allCases.map(\.rawValue).joined(separator: ", "))."
    )
    var experiment: Reproduction
    @Flag(help: "A sample of everything, within a minute; every check is decided.")
    var quick = false
    @Flag(help: "More seeds and longer runs, where the experiment has them.") var full = false
    @Flag(
        help: "On this machine for real instead of simulated: the parts of 'reproduce live' for it."
    )
    var live = false
    @Option(help: "The seed that everything is drawn from.") var seed: UInt64 = 1
    @Option(
        help: """
            A folder with measurements that others published and that may not be passed on; \
            SLUICE_SHARED or ../shared if not given. Checks that need them are left out where \
            there are none.
            """
    )
    var shared: String?
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard !(quick && full) else { throw ValidationError("Give either --quick or --full.") }
    }

    func run() async throws {
        if live { return try await measure() }
        let began = ContinuousClock.now
        let outcome = try experiment.run(
            Reproduction.Options(
                effort: quick ? .quick : full ? .full : .usual,
                seed: seed,
                shared: shared
                    ?? ProcessInfo.processInfo.environment["SLUICE_SHARED"]
                    ?? "../shared",
                progress: { [output, experiment] line in
                    output.progress("\(experiment.rawValue): \(line)")
                }
            )
        )
        output.endProgress()
        let result = outcome.result
        output.print(json: ResultDocument(result).json(), text: ResultReport.text(result))
        try output.write(outcome.report)
        let seconds = (ContinuousClock.now - began).components.seconds
        if !output.json { OutputOptions.note("took \(seconds) s") }
        try result.complainOfGates()
    }

    /// The same question asked of real servers.
    private func measure() async throws {
        var words = ["--part", experiment.liveParts, "--seed", "\(seed)"]
        if quick { words.append("--quick") }
        if output.json { words.append("--json") }
        if let report = output.report { words += ["--report", report] }
        let command = try LiveCommand.parse(words)
        try await command.run()
    }
}
