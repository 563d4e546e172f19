import ArgumentParser
import Foundation
import ModelZoo
import ServingDomain

/// Standard networks with seeded random weights.
struct ZooCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "zoo",
        abstract: "Write standard networks as ONNX models with seeded random weights.",
        subcommands: [List.self, BuildNetworks.self]
    )

    /// Prints what there is.
    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the networks.")

        @Flag(help: "Print JSON.")
        var json = false

        func run() {
            if json {
                let rows = Zoo.networks.map { network in
                    "{\"name\":\"\(network.name)\",\"parameters\":\(network.parameters),"
                        + "\"flops\":\(network.flops),\"bytes\":\(network.weightBytes)}"
                }
                return print("[" + rows.joined(separator: ",") + "]")
            }
            for network in Zoo.networks {
                let size = String(format: "%8.2f M  %8.3f GFLOP", network.millions, network.giga)
                let name = network.name.padding(toLength: 20, withPad: " ", startingAt: 0)
                print("\(name)\(size)  \(network.summary)")
            }
        }
    }

    /// Writes some of them.
    struct BuildNetworks: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "build",
            abstract: "Write networks as model folders of a repository."
        )

        @Argument(help: "The networks, or 'all'.")
        var names: [String]
        @Option(help: "The repository to write to; made if it is not there.")
        var output: String
        @Option(help: "The seed of the weights.")
        var seed: UInt64 = 1
        @Flag(help: "Print JSON.")
        var json = false

        func run() throws {
            let wanted = names == ["all"] ? Zoo.networks.map(\.name) : names
            let models = try wanted.map { name throws(ZooError) in
                try Zoo.build(name, seed: seed)
            }
            try FileManager.default.createDirectory(
                atPath: output,
                withIntermediateDirectories: true
            )
            var rows: [String] = []
            for model in models {
                let path = try model.write(to: output)
                rows.append("{\"name\":\"\(model.network.name)\",\"path\":\"\(path)\"}")
                if !json { print("\(model.network.name): \(path)") }
            }
            if json { print("[" + rows.joined(separator: ",") + "]") }
        }
    }
}

extension ZooNetwork {
    fileprivate var millions: Double { Double(parameters) / 1e6 }
    fileprivate var giga: Double { Double(flops) / 1e9 }
}
