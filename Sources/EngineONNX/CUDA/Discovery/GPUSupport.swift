import Logging
import ServerRuntime
import ServingDomain

/// Whether models can run on the GPUs of this machine, and if not, why, in one line.
struct GPUSupport {
    let request: GPURequest
    let library: ONNXLibrary
    let log: Logger

    /// The GPUs to serve from, and their driver's version; none where the CPU is to serve.
    ///
    /// - Throws: Where GPUs were asked for by number and can't be had.
    func devices() throws(EngineError) -> (gpus: [GPUDevice], driver: String?) {
        if request.selection == .none { return ([], nil) }
        do throws(EngineError) {
            let discovery = try GPUDiscovery(request)
            let facts = try wanted(of: discovery.facts())
            if !request.runsOnHost { try checkProvider(discovery.driver.version) }
            let devices = try discovery.take(facts)
            log.info("NVIDIA driver \(discovery.driverVersion), CUDA \(discovery.driver.version)")
            for device in devices { log.notice("\(device.line)") }
            return (devices, discovery.driverVersion)
        } catch {
            guard request.selection == .auto, error.kind == .unavailable else { throw error }
            log.notice("no GPU serves: \(error.message); the CPU does")
            return ([], nil)
        }
    }

    /// Refuses versions of ONNX Runtime that can't tell CUDA graphs apart: they would replay the
    /// first batch's graph for every other.
    static func checkGraphs(version: String) throws(EngineError) {
        let parts = version.split(separator: ".").map { Int($0) ?? 0 }
        let (major, minor) = (parts.first ?? 0, parts.dropFirst().first ?? 0)
        guard major > 1 || (major == 1 && minor >= 18) else {
            throw EngineError(
                .unavailable,
                "CUDA graphs want ONNX Runtime 1.18 or later (run option gpu_graph_id), this is "
                    + "\(version); leave --cuda-graphs out, or name a newer one with --onnxruntime"
            )
        }
    }

    private func wanted(of facts: [GPUFacts]) throws(EngineError) -> [GPUFacts] {
        guard case .listed(let numbers) = request.selection else { return facts }
        return try numbers.map { number throws(EngineError) in
            guard let found = facts.first(where: { $0.ordinal == number }) else {
                let list = facts.map { String($0.ordinal) }.joined(separator: ", ")
                throw EngineError(
                    .unavailable,
                    "there is no GPU \(number); the driver shows \(list)"
                )
            }
            return found
        }
    }

    private func checkProvider(_ driver: CUDAVersion) throws(EngineError) {
        guard try library.providers().contains("CUDAExecutionProvider") else {
            throw EngineError(
                .unavailable,
                "ONNX Runtime at '\(library.path)' has no CUDA provider; fetch one that has "
                    + "(Docs/GPU.md) and name it with --onnxruntime"
            )
        }
        let folder = library.path.split(separator: "/", omittingEmptySubsequences: false)
            .dropLast().joined(separator: "/")
        let path = (folder.isEmpty ? "." : folder) + "/libonnxruntime_providers_cuda.so"
        try Self.check(NeededLibraries.of(path), driver: driver)
    }

    /// Compares the CUDA that a provider was built for with the driver's.
    ///
    /// A driver serves every CUDA up to its own, so only an older one is refused; a provider that
    /// can't be read is left to the loader.
    static func check(_ needed: [String], driver: CUDAVersion) throws(EngineError) {
        guard let major = NeededLibraries.cudaMajor(needed), driver.major < major else { return }
        throw EngineError(
            .unavailable,
            "ONNX Runtime's CUDA provider is built for CUDA \(major), but the driver is for "
                + "\(driver); update the driver, or take an onnxruntime-gpu built for CUDA "
                + "\(driver.major)"
        )
    }
}
