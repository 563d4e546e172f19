import Foundation
import LoadGenerator

/// A real Triton in its Python-backend form beside ours: the same networks, each in one instance
/// that hands whole batches to ONNX Runtime.
///
/// Started as `Scripts/bench_servers.py` starts it; Docs/BENCHMARKS.md says where the packages
/// come from.
struct TritonServer: Sendable {
    static let name = "triton-python"
    /// The longest that it may take until it is ready, in seconds.
    static let patience = 120.0

    /// The folder of its packages.
    let packages: String
    /// The networks.
    let models: [String]

    /// Starts it, has it used, and ends it whatever happens.
    ///
    /// - Throws: `ServerRefusal` where it does not become ready; else what `use` throws.
    func serve<Value: Sendable>(
        _ bench: LiveBench,
        _ use: (LiveServer) async throws -> Value
    ) async throws -> Value {
        let process = try start(bench)
        do {
            let url = "http://127.0.0.1:\(process.port)"
            let question = try ServerQuestion(url: url)
            let isReady = try await Waiting.first(within: Self.patience, every: 0.2) {
                if !process.child.isRunning { return false }
                let answer = try? await question.get("/v2/health/ready")
                return answer?.status == 200 ? true : nil
            }
            guard isReady == true else {
                let words = StartWords.last(of: process.child.output + process.child.errors)
                throw ServerRefusal(description: "\(Self.name) does not become ready: \(words)")
            }
            let server = LiveServer(
                name: Self.name,
                url: url,
                metrics: nil,
                process: process.child
            )
            let value = try await use(server)
            await process.child.end()
            return value
        } catch {
            await process.child.end()
            throw error
        }
    }

    private func start(_ bench: LiveBench) throws -> (child: ChildProcess, port: Int) {
        let triton = "\(packages)/pytriton/tritonserver"
        let program = "\(triton)/bin/tritonserver"
        guard FileManager.default.fileExists(atPath: program) else {
            throw ServerRefusal(
                description: "there is no Triton in '\(packages)'; see Docs/BENCHMARKS.md"
            )
        }
        let python = try Self.interpreter(triton, packages)
        let folder = try bench.place.folder("triton")
        let backends = "\(folder)/backends"
        try Self.copy("\(triton)/backends", to: backends)
        try Self.copy(python.stub, to: "\(backends)/python/triton_python_backend_stub")
        for model in models { try write(model, to: "\(folder)/models", bench.place) }
        guard let port = FreePort.any() else { throw LiveError("no port is free on 127.0.0.1") }
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        let child = try ChildProcess(
            program,
            [
                "--model-repository=\(folder)/models", "--backend-directory=\(backends)",
                "--http-address=127.0.0.1", "--http-port=\(port)", "--allow-grpc=false",
                "--allow-metrics=false", "--allow-gpu-metrics=false",
                "--disable-auto-complete-config",
            ],
            environment: [
                "PYTHONPATH": packages, "PYTHONDONTWRITEBYTECODE": "1",
                "PATH": "\(python.folder):\(path)",
                "LD_LIBRARY_PATH": "\(packages)/nvidia_pytriton.libs:\(python.libraries)",
            ],
            folder: folder
        )
        return (child, port)
    }

    /// Python as the packages need it: the one of the virtual environment around them, the stub
    /// for its version, and where its library lies.
    private static func interpreter(
        _ triton: String,
        _ packages: String
    ) throws -> (folder: String, stub: String, libraries: String) {
        // .../lib/python3.11/site-packages
        let parts = packages.split(separator: "/")
        let version = parts.dropLast().last.map { $0.replacing("python", with: "") } ?? ""
        let stub = "\(triton)/python_backend_stubs/\(version)/triton_python_backend_stub"
        guard FileManager.default.fileExists(atPath: stub) else {
            throw ServerRefusal(
                description: "this Triton has no stub for Python '\(version)'; give the "
                    + "site-packages of a virtual environment"
            )
        }
        let root = "/" + parts.dropLast(3).joined(separator: "/")
        let home = HostFiles.text("\(root)/pyvenv.cfg").split(whereSeparator: \.isNewline)
            .first { $0.hasPrefix("home = ") }?.dropFirst(7)
        // Debian and its kin keep the library of /usr/bin/python3.x in the machine's folder.
        let base = home.map { String($0.dropLast("/bin".count)) } ?? "/usr"
        let libraries = "\(base)/lib:\(base)/lib/x86_64-linux-gnu:\(base)/lib/aarch64-linux-gnu"
        return ("\(root)/bin", stub, libraries)
    }

    private func write(_ model: String, to folder: String, _ place: Workplace) throws {
        let built = try place.build(model)
        let config = try String(contentsOfFile: "\(built)/config.pbtxt", encoding: .utf8)
        let target = "\(folder)/\(model)"
        try FileManager.default.createDirectory(
            atPath: "\(target)/1",
            withIntermediateDirectories: true
        )
        try config.replacing("platform: \"onnxruntime_onnx\"", with: "backend: \"python\"")
            .write(toFile: "\(target)/config.pbtxt", atomically: true, encoding: .utf8)
        try Self.program.replacing("ONNX", with: "\(built)/1/model.onnx")
            .write(toFile: "\(target)/1/model.py", atomically: true, encoding: .utf8)
    }

    private static func copy(_ source: String, to target: String) throws {
        if FileManager.default.fileExists(atPath: target) {
            try FileManager.default.removeItem(atPath: target)
        }
        try FileManager.default.copyItem(atPath: source, toPath: target)
    }

    private static let program = """
        import numpy as np, onnxruntime as ort, triton_python_backend_utils as pb
        class TritonPythonModel:
            def initialize(self, args):
                options = ort.SessionOptions()
                options.add_session_config_entry("session.intra_op.allow_spinning", "0")
                self.session = ort.InferenceSession(
                    "ONNX", options, providers=["CPUExecutionProvider"])
            def execute(self, requests):
                rows = [pb.get_input_tensor_by_name(r, "x").as_numpy() for r in requests]
                y = self.session.run(["y"], {"x": np.concatenate(rows)})[0]
                replies, start = [], 0
                for row in rows:
                    part = y[start:start + len(row)]
                    start += len(row)
                    replies.append(pb.InferenceResponse([pb.Tensor("y", part)]))
                return replies

        """
}
