import ArgumentParser
import Documents
import Experiments
import Planning
import Reports
import ServingDomain

/// Makes a plan from files.
struct PlanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Decide how devices are split and which models sit where.",
        discussion: """
            Demand that finds no place is part of the plan ("unserved"), not an error: exit code \
            0. With --profiles presets, networks that nobody measured are estimated.
            """
    )

    @Option(help: "A folder of profiles, a file, or the word 'presets'. May be repeated.")
    var profiles: [String]
    @Option(help: "The devices: a cluster file.") var cluster: String
    @Option(help: "The rates and objectives: a demand file.") var demand: String
    @Option(help: "A device file that describes a kind of device. May be repeated.")
    var kind: [String] = []
    @Option(help: "The planner, options included, such as elastic or whole:slots=2.")
    var planner = PlannerCatalogue.names.contains("confluence") ? "confluence" : "elastic"
    @Flag(help: "Say in words why each model sits where it sits, and what is missing.")
    var explain = false
    @Flag(help: "Find the highest multiple of the demand that has a place.") var maxRate = false
    @Flag(help: "Find the fewest devices on which the demand has a place.")
    var devicesNeeded = false
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard !(maxRate && devicesNeeded) else {
            throw ValidationError("Give either --max-rate or --devices-needed.")
        }
    }

    func run() throws {
        let inputs = try readInputs()
        do throws(PlanError) {
            let planner = try PlannerCatalogue.planner(named: planner)
            if maxRate { return try self.maxRate(inputs, planner) }
            if devicesNeeded { return try self.devicesNeeded(inputs, planner) }
            let answer = PlanAnswer(inputs: inputs, plan: try planner.plan(inputs))
            try show(answer, [], explain ? try answer.explanation(by: planner) : [])
        } catch {
            throw CommandFailure(error.message)
        }
    }

    // MARK: Questions

    private func maxRate(_ inputs: PlanInputs, _ planner: any Planner) throws(PlanError) {
        let found = try WhatIf.highestRate(of: inputs, with: planner)
        guard let plan = found.plan else {
            throw PlanError(
                "no multiple of this demand has a place; --explain without --max-rate says why"
            )
        }
        var scaled = inputs
        scaled.milliRates = found.milliRates
        let answer = PlanAnswer(inputs: scaled, plan: plan)
        let multiple = (found.multiple * 1_000).rounded(.down) / 1_000
        let rate = Double(scaled.milliRates.reduce(0, +)) / 1_000
        try show(
            answer,
            [("multiple", JSONText.number(multiple)), ("rate", JSONText.number(rate))],
            ["the demand times \(Numeral.short(multiple)) has a place: \(Numeral.short(rate)) r/s"]
        )
    }

    private func devicesNeeded(_ inputs: PlanInputs, _ planner: any Planner) throws(PlanError) {
        guard let count = try WhatIf.devicesNeeded(for: inputs, with: planner) else {
            throw PlanError(
                "1,024 devices do not suffice; --explain without --devices-needed says why"
            )
        }
        let enough = WhatIf.withDevices(count, of: inputs)
        let answer = PlanAnswer(inputs: enough, plan: try planner.plan(enough))
        try show(
            answer,
            [("devicesNeeded", String(count))],
            ["\(count) of devices like these \(inputs.devices.count) are needed"]
        )
    }

    // MARK: Output

    private func show(
        _ answer: PlanAnswer,
        _ members: [(key: String, value: String?)],
        _ lines: [String]
    ) throws(PlanError) {
        // A plan that breaks a rule is a bug of the planner; nobody should run it unknowingly.
        for violation in Audit.violations(of: answer.plan, for: answer.inputs).prefix(20) {
            OutputOptions.note("warning: the plan breaks a rule: \(violation)")
        }
        output.print(
            json: members.isEmpty ? answer.json : answer.json(with: members),
            text: answer.text + lines.map { $0 + "\n" }.joined()
        )
        do { try output.write(answer.report(lines)) } catch { throw PlanError("\(error)") }
    }

    // MARK: Input

    private func readInputs() throws -> PlanInputs {
        let folder = DocumentFolder(".")
        let (inputs, warnings) = try reading { () throws(DocumentError) in
            var library = ProfileLibrary()
            var estimates = Estimates.none
            for name in profiles {
                if name == "presets" {
                    estimates = PresetEstimates.all
                } else {
                    try folder.addProfiles(in: name, to: &library)
                }
            }
            var kinds: [DeviceDescription] = []
            for name in kind {
                kinds.append(try DeviceDescription(reading: folder.read(name), source: name))
            }
            let described = kinds.map(\.kind)
            kinds += PresetEstimates.all.kinds.filter { !described.contains($0.kind) }
            let cluster = try Cluster(reading: folder.read(cluster), source: cluster)
            let demand = try Demand(reading: folder.read(demand), source: demand)
            let inputs = try demand.planInputs(
                library: library,
                devices: try cluster.specs(kinds: kinds),
                kinds: kinds,
                estimates: estimates
            )
            return (inputs, demand.warnings(inputs, library: library))
        }
        for line in warnings { OutputOptions.note("note: \(line)") }
        return inputs
    }
}
