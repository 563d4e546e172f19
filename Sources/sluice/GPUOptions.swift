import ArgumentParser
import EngineONNX
import ServerCore
import ServerRuntime
import ServingDomain

/// Which GPUs a command uses (Docs/GPU.md).
struct GPUOptions: ParsableArguments {
    @Option(help: "NVIDIA GPUs to use: auto, none, or their numbers, as 0,1.")
    var gpus: String?
    // For tests: another library in the driver's place, and models on the host's own provider,
    // which is right only where the memory of that driver's devices is the host's.
    @Option(help: .hidden) var cudaDriver: String?
    @Flag(help: .hidden) var gpusOnHost = false

    /// What was asked for; `usual` where nothing was.
    func request(usual: GPURequest.Selection) throws -> GPURequest {
        var selection = usual
        if let gpus {
            guard let asked = GPURequest.selection(gpus) else {
                throw CommandFailure(
                    "--gpus '\(gpus)' is not known; use auto, none, or numbers such as 0,1"
                )
            }
            selection = asked
        }
        return GPURequest(selection, driver: cudaDriver, runsOnHost: gpusOnHost)
    }
}

extension RuntimeConfiguration {
    /// Serves from these GPUs; from the CPU where there are none.
    static func gpus(_ devices: [DeviceSpec]) -> RuntimeConfiguration {
        guard !devices.isEmpty else { return .host() }
        return RuntimeConfiguration(
            core: CoreConfiguration(devices: devices),
            unitNumbers: devices.map { Array(0..<$0.units) }
        )
    }
}
