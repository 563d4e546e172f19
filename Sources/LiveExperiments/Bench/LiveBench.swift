import Documents
import Foundation
import Reports
import ServerRuntime

/// What all parts share: options, a folder, servers and profiles.
struct LiveBench: Sendable {
    let options: LiveOptions
    let place: Workplace
    /// What may be measured once more; by itself nothing.
    var repeats = Repeats(seconds: 0)

    var pace: LivePace { options.pace }

    /// The processors of this machine that we may use.
    let processors = HostCores.available()

    /// Tells what goes on.
    func say(_ line: String) { options.progress(line) }

    /// Measures, and once more where others took too much of the machine meanwhile (`Repeats`).
    func undisturbed<Value>(_ measure: () async throws -> Value) async throws -> Value {
        try await repeats.measure(measure) { stolen in
            say("others took \(Numeral.short(stolen)) % of the machine meanwhile: once more")
        }
    }

    // MARK: Servers

    /// Starts a server, has it used, and ends it whatever happens.
    ///
    /// - Throws: `ServerRefusal` where it does not become ready; else what `use` throws.
    func serve<Value: Sendable>(
        _ command: ServerCommand,
        _ use: (LiveServer) async throws -> Value
    ) async throws -> Value {
        let process = try ChildProcess(
            options.executable,
            command.arguments(library: options.library),
            folder: place.path,
            processors: command.processors
        )
        do {
            let value = try await use(try await ready(process, command.name))
            guard await process.end() else {
                throw LiveError("\(command.name) did not end within 45 s of SIGTERM")
            }
            return value
        } catch {
            await process.end()
            throw error
        }
    }

    /// Waits until a server says that it is ready.
    private func ready(_ process: ChildProcess, _ name: String) async throws -> LiveServer {
        let found = try await Waiting.first(within: LiveServer.patience) {
            let words = StartWords(process.output)
            if words.isReady || words.refusal != nil { return words }
            return process.isRunning ? nil : StartWords(process.output)
        }
        guard let words = found else {
            throw ServerRefusal(
                description: "\(name) was not ready within \(Int(LiveServer.patience)) s"
            )
        }
        guard words.isReady, let url = words.url else {
            let reason = words.refusal ?? StartWords.last(of: process.errors)
            throw ServerRefusal(description: "\(name) does not start: \(reason)")
        }
        return LiveServer(name: name, url: url, metrics: words.metrics, process: process)
    }

    // MARK: Profiles

    /// Measures zoo networks alone on the machine with `sluice profile`, and reads what it wrote.
    ///
    /// - Parameter processors: The processors that it may use; nil = all.
    /// - Throws: `LiveError` with its last words.
    func profiles(
        of networks: [String],
        maxBatch: Int,
        processors: [Int32]? = nil
    ) async throws -> [Profile] {
        say("measuring \(networks.joined(separator: ", ")) alone")
        let repository = try place.repository("alone", networks.map { ($0, ModelSettings()) })
        let output = try place.folder("profiles")
        var arguments = [
            "profile", "--model-repository", repository, "--output", output, "--rounds", "2",
            "--seconds", JSONText.number(pace.point), "--max-batch", String(maxBatch), "--json",
        ]
        if let library = options.library { arguments += ["--onnxruntime", library] }
        let process = try ChildProcess(
            options.executable,
            arguments,
            folder: place.path,
            processors: processors
        )
        do {
            try await process.finish(within: 300, "measuring models alone")
        } catch {
            await process.end()
            throw error
        }
        var profiles: [Profile] = []
        for network in networks {
            let file = "\(output)/\(network).json"
            guard let bytes = FileManager.default.contents(atPath: file) else {
                throw LiveError("sluice profile wrote no profile of '\(network)'")
            }
            do throws(DocumentError) {
                profiles.append(try Profile(reading: [UInt8](bytes), source: file))
            } catch {
                throw LiveError("\(error)")
            }
        }
        return profiles
    }

    /// Six zoo networks with objectives from what they take alone.
    func sixModels() async throws -> LiveMix {
        try LiveMix(await profiles(of: Self.six, maxBatch: 1))
    }

    /// From 0.3 to 8 GFLOP. Lighter ones would ask the wire for more than the engine: an image is
    /// 600 kB, and client and server carry it on the same cores.
    static let six = [
        "mobilenet_v1_050", "squeezenet", "mobilenet_v2", "googlenet", "bert-base", "resnet50",
    ]
}
