import ArgumentParser
import EngineONNX
import Foundation
import ModelRepository
import ServerRuntime

/// Says what becomes of every field of every configuration in a repository.
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "List which fields of a repository's configurations are obeyed, ignored or "
            + "refused.",
        discussion: "Exit code 0: every model can be served. 1: one can't."
    )

    @Option(
        name: [.customLong("model-repository"), .customLong("model-store")],
        help: "A folder of models in Triton's layout; may be given several times."
    )
    var repositories: [String]
    @Option(help: "Use configs/NAME.pbtxt of a model's folder where it exists.")
    var modelConfigName: String?
    @Option(help: "ONNX Runtime's shared library; without one the files themselves are not read.")
    var onnxruntime: String?
    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        let report: RepositoryCheck
        do throws(SourceError) {
            let repository = try ModelRepository(
                paths: repositories,
                configName: modelConfigName
            )
            let engine = try? ONNXEngine(library: onnxruntime)
            report = try RepositoryCheck.of(repository) {
                (artifact) throws(EngineError) -> DeclaredSignature? in
                try engine?.load(artifact).declared
            }
        } catch {
            throw CommandFailure(error.message)
        }
        print(json ? report.json() : report.text())
        if !report.failing.isEmpty { throw ExitCode(1) }
    }
}
