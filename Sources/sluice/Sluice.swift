import ArgumentParser

/// The command line: each subcommand wires rooms together and decides nothing itself.
@main
struct Sluice: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sluice",
        abstract: "The inference server that keeps deadlines.",
        version: Build.version,
        subcommands: [
            ServeCommand.self, ProfileCommand.self, PlanCommand.self, SimulateCommand.self,
            LoadCommand.self, ReproduceGroup.self, ReplayCommand.self, CheckCommand.self,
            ZooCommand.self, VersionCommand.self,
        ]
    )
}

/// What this build calls itself.
enum Build {
    static let version = "0.1.0"
}

/// Prints what this build is.
struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version",
        abstract: "Print the version."
    )

    @Flag(help: "Print JSON.")
    var json = false

    func run() {
        print(json ? "{\"name\":\"sluice\",\"version\":\"\(Build.version)\"}" : Build.version)
    }
}

/// A failure that has already been put into one line: printed as it is, exit code 1.
struct CommandFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
