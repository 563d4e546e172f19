import ArgumentParser
import Documents
import Experiments
import Foundation
import Reports
import ServingDomain
import Simulation

/// Runs a scenario in virtual time.
struct SimulateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Try a scenario in virtual time, before a device is bought.",
        discussion: "The same scenario and seed give the same result, order by order, in every "
            + "process. Files that a scenario names are looked for beside it."
    )

    @Argument(help: "The scenario, a YAML or JSON file.") var scenario: String
    @Option(help: "The seed of arrivals and noise; the scenario's own if not given.")
    var seed: UInt64?
    @OptionGroup var output: OutputOptions

    func run() throws {
        let file = DocumentFolder(".")
        let document = try reading { () throws(DocumentError) in
            try ScenarioDocument(
                reading: file.read(scenario),
                source: scenario,
                folder: DocumentFolder(of: scenario),
                estimates: PresetEstimates.all
            )
        }
        for line in document.warnings { OutputOptions.note("note: \(line)") }
        var setup = ScenarioSetup.setup(document)
        if let seed { setup.seed = seed }
        if output.report != nil { setup.timelineLimit = 20_000 }
        output.progress("simulating \(Numeral.short(setup.duration.inSeconds)) s ...")
        let ledger: Ledger
        do throws(SimulationError) { ledger = try Simulator.run(setup) } catch {
            output.endProgress()
            throw CommandFailure(error.message)
        }
        output.endProgress()
        let title = URL(fileURLWithPath: scenario).deletingPathExtension().lastPathComponent
        let report = SimulationReport("Simulation of \(title)", setup: setup, ledger: ledger)
        output.print(
            json: SimulationResult.document(setup: setup, ledger: ledger).json(),
            text: report.text
        )
        try output.write(report.report)
        if let first = ledger.complaints.first {
            throw CommandFailure(
                "the auditor found \(ledger.complaints.count) broken rules, first: \(first)"
            )
        }
    }
}
