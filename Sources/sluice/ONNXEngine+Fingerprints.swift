import EngineONNX
import Profiler
import ServerRuntime
import ServingDomain

/// What a measurement depends on beside the model. `profile` writes it, `serve` compares it.
extension ONNXEngine {
    /// Of this machine's cores: processor, cores, engine.
    func fingerprint(cores: Int) -> String {
        HostFingerprint.of(cores: cores, engine: "onnxruntime \(libraryVersion)")
    }

    /// Of a GPU: card, its division, driver, engine.
    func fingerprint(of bench: GPUBench) -> String {
        let facts = bench.facts
        return "\(facts.name), \(facts.processors) SMs, \(bench.mechanism), driver "
            + "\(driverVersion ?? "unknown"), onnxruntime \(libraryVersion)"
    }

    /// By kind of device that it serves from.
    var fingerprints: [String: String] {
        var found: [String: String] = [:]
        for bench in gpuBenches { found[bench.spec.kind] = fingerprint(of: bench) }
        if found.isEmpty {
            found[ProfilingSession.kind] = fingerprint(cores: HostCores.available().count)
        }
        return found
    }
}
