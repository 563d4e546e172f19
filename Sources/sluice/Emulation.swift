import EngineEmulated
import Foundation
import ModelZoo
import Planning
import ServerCore
import ServerRuntime
import ServingDomain
import VirtualDevices

/// `--emulate 4xrtx-2080ti[,2xl4]`: the whole server against devices that exist as arithmetic.
///
/// A model's latencies there are guessed from its ONNX graph and the preset of the device's kind
/// (Docs/CALIBRATION.md); its outputs mean nothing.
struct Emulation {
    /// The most emulated devices.
    static let deviceLimit = 64
    /// The largest model file that is read for its costs.
    static let fileLimit = 1 << 31

    let devices: [DeviceSpec]
    let presets: [DevicePreset]

    /// Reads the flag's text.
    init(_ text: String) throws {
        var devices: [DeviceSpec] = []
        var presets: [DevicePreset] = []
        for group in text.split(separator: ",", omittingEmptySubsequences: false) {
            let parts = group.split(separator: "x", maxSplits: 1)
            guard parts.count == 2, let count = Int(parts[0]), count >= 1 else {
                throw CommandFailure(
                    "--emulate '\(text)': '\(group)' is not COUNTxKIND; write for example "
                        + "4xrtx-2080ti,2xl4"
                )
            }
            guard devices.count + count <= Self.deviceLimit else {
                throw CommandFailure(
                    "--emulate '\(text)' names more than \(Self.deviceLimit) devices, the limit"
                )
            }
            let preset: DevicePreset
            do throws(PlanError) {
                preset = try DevicePreset.named(String(parts[1]))
            } catch {
                throw CommandFailure("--emulate: \(error.message)")
            }
            if !presets.contains(where: { $0.kind == preset.kind }) { presets.append(preset) }
            for _ in 0..<count {
                let id = DeviceID(Int32(devices.count))
                devices.append(preset.device(id: id, name: "gpu\(id.index)"))
            }
        }
        self.devices = devices
        self.presets = presets
    }

    /// The runtime's configuration for these devices.
    var configuration: RuntimeConfiguration {
        RuntimeConfiguration(
            core: CoreConfiguration(devices: devices),
            unitNumbers: devices.map { Array(0..<$0.units) }
        )
    }

    /// An engine that runs models on these devices.
    func engine() -> EmulatedEngine {
        let truth = SaturatingContention(models: [], seed: 1)
        let shared = EmulatedDevices(devices: devices, truths: devices.map { _ in truth })
        return EmulatedEngine(devices: shared) { [presets] artifact throws(EngineError) in
            try Self.describe(artifact, on: presets)
        }
    }

    private static func describe(
        _ artifact: ModelArtifact,
        on presets: [DevicePreset]
    ) throws(EngineError) -> EmulatedModel? {
        guard !artifact.path.isEmpty else { return nil }
        let path = HostKnowledge.file(of: artifact)
        guard let bytes = FileManager.default.contents(atPath: path), bytes.count <= fileLimit
        else {
            throw EngineError(.badModel, "'\(path)' can't be read, or is larger than 2 GiB")
        }
        do throws(CostError) {
            let content = [UInt8](bytes)
            let cost = try CostReader.cost(ofModel: content, named: artifact.name)
            let signature = try SignatureReader.signature(ofModel: content, named: artifact.name)
            return EmulatedModel(
                signature: artifact.signature ?? signature,
                truth: ModelTruth(
                    profiles: presets.map { $0.profile(of: cost) },
                    inputBytes: cost.inputBytes,
                    outputBytes: cost.outputBytes,
                    spread: 0.02
                ),
                weightsMiB: cost.storedBytes >> 20
            )
        } catch {
            throw EngineError(.badModel, "model '\(artifact.name)': \(error)")
        }
    }
}
