/// The command line of a server that is measured: on 127.0.0.1 only, on any free ports.
struct ServerCommand: Hashable, Sendable {
    /// What rows call it.
    var name: String
    /// The folder of its models.
    var repository: String
    /// What else it is told, such as `["--system", "confluence"]`.
    var flags: [String]
    /// The processors that it may use; nil = all.
    var processors: [Int32]?

    /// Creates a command.
    init(
        _ name: String,
        repository: String,
        flags: [String] = [],
        processors: [Int32]? = nil
    ) {
        self.name = name
        self.repository = repository
        self.flags = flags
        self.processors = processors
    }

    /// A server with planner, scaler and policy that one word stands for.
    static func system(
        _ word: String,
        repository: String,
        flags: [String] = []
    ) -> ServerCommand {
        ServerCommand(word, repository: repository, flags: ["--system", word] + flags)
    }

    /// The words behind the executable's name.
    ///
    /// - Parameter library: ONNX Runtime's library; nil = found by itself.
    func arguments(library: String?) -> [String] {
        [
            "serve", "--model-repository", repository,
            "--http-address", "127.0.0.1", "--http-port", "0", "--allow-grpc", "false",
            "--metrics-address", "127.0.0.1", "--metrics-port", "0",
            // Every server begins cold: what an earlier run kept is no part of the experiment.
            "--profile-store", "none", "--drain-seconds", "0", "--max-connections", "4096",
            "--allow-client-shm", "true",
        ] + (library.map { ["--onnxruntime", $0] } ?? []) + flags
    }
}
