import Documents
import Planning
import ServingDomain

/// Presets as descriptions and estimates: devices that need no file, latencies that nobody has
/// measured yet.
enum PresetEstimates {
    /// All presets.
    static let all = Estimates(kinds: DevicePreset.all.map(description), model: estimate)

    private static func description(of preset: DevicePreset) -> DeviceDescription {
        let device = preset.device
        var kind = DeviceDescription(kind: preset.kind, units: device.units)
        kind.grain = device.grain
        kind.memoryMiB = device.memoryMiB > 0 ? device.memoryMiB : nil
        kind.peakTflops = preset.machine.teraflops
        kind.memoryGBps = preset.machine.memoryGBps
        kind.copyEngines = device.copyEngines
        kind.copy = device.copy.map { copy in
            DeviceDescription.Copy(
                tauUs: copy.setup.inMilliseconds * 1_000,
                gbps: Double(copy.bytesPerSecond) / 1e9,
                bothWays: Double(copy.bothWaysMilli) / 1_000
            )
        }
        // The only kind with published coefficients.
        if preset.kind == "rtx-2080ti" { kind.contention = .linear(.rtx2080ti) }
        kind.sources = preset.sources
        return kind
    }

    private static func estimate(_ name: String, _ device: DeviceSpec) -> Estimates.Model? {
        guard let preset = try? DevicePreset.named(device.kind),
            preset.device.units == device.units, let network = NetworkCost.named(name)
        else { return nil }
        return Estimates.Model(
            profile: preset.profile(of: network, grain: grain(of: device)),
            inputBytes: network.inputBytes,
            outputBytes: network.outputBytes
        )
    }

    /// The largest step that hits every share of the device.
    private static func grain(of device: DeviceSpec) -> Int32 {
        guard var step = device.shares.first else { return device.grain }
        for share in device.shares {
            var rest = share
            while rest != 0 { (step, rest) = (rest, step % rest) }
        }
        return max(1, step)
    }
}
