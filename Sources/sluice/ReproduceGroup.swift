import ArgumentParser

/// `reproduce`: papers on the simulator (the word `paper` may be left out), and live servers.
struct ReproduceGroup: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reproduce",
        abstract: "Repeat published results, or measure whole servers on this machine.",
        discussion: "`sluice reproduce gpulets` is short for `sluice reproduce paper gpulets`.",
        subcommands: [ReproduceCommand.self, LiveCommand.self],
        defaultSubcommand: ReproduceCommand.self
    )
}
