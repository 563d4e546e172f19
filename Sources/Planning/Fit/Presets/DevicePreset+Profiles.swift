public import ServingDomain

extension DevicePreset {
    /// Profiles of several networks, by name; `named(_:)` of `NetworkCost` says which there are.
    ///
    /// - Parameter grain: As in `device(id:name:grain:)`.
    /// - Throws: `PlanError` for a network without a table of costs.
    public func profiles(
        of networks: [String],
        grain: Int32? = nil,
        knobs: PresetKnobs = PresetKnobs()
    ) throws(PlanError) -> [DeviceProfile] {
        var profiles: [DeviceProfile] = []
        for name in networks {
            guard let network = NetworkCost.named(name) else {
                let known = NetworkCost.known.map(\.name)
                throw PlanError(OptionedName.unknown("network", name, known: known))
            }
            profiles.append(profile(of: network, grain: grain, knobs: knobs))
        }
        return profiles
    }

    /// What this kind of device would do with a network: latency of a lone instance by batch and
    /// units, utilisation, memory.
    ///
    /// Latencies never fall with the batch and never rise with the units.
    /// Cost: O(kernels x batches x sizes).
    public func profile(
        of network: NetworkCost,
        grain: Int32? = nil,
        knobs: PresetKnobs = PresetKnobs()
    ) -> DeviceProfile {
        let curve = Curve(preset: self, network: network, knobs: knobs)
        var points: [LatencySurface.Point] = []
        for units in device(id: device.id, name: device.name, grain: grain).allowedUnits {
            // A graph of which nothing is left to compute is still one call.
            var least = max(1e-3, machine.launchMicroseconds / 1e3)
            for batch in batches {
                // Another cut of the same sums may look faster; a larger batch never is.
                least = max(least, curve.milliseconds(batch: batch, units: units))
                points.append(
                    LatencySurface.Point(
                        batch: batch,
                        units: units,
                        latency: .milliseconds(rounding: least)
                    )
                )
            }
        }
        return DeviceProfile(
            kind: kind,
            surface: LatencySurface(points),
            memory: footprint(of: network),
            utilization: utilization(of: network, knobs: knobs),
            coldStart: coldStart,
            warmStart: warmStart
        )
    }

    /// The factor on the roofline's guess that makes the latency of batch 32 on all of the device
    /// half of the ATC objective; 1 where nothing was calibrated.
    public func scale(of network: NetworkCost, knobs: PresetKnobs = PresetKnobs()) -> Double {
        Curve(preset: self, network: network, knobs: knobs).scale
    }

    /// How busy the network's batches keep the device: what gpu-lets published of L2 and memory
    /// on the RTX 2080 Ti, the roofline's guess elsewhere.
    func utilization(of network: NetworkCost, knobs: PresetKnobs) -> [Utilization] {
        let roofline = Roofline(machine, occupancy: knobs.occupancy)
        return batches.map { batch in
            var row = roofline.utilization(of: network, batch: batch)
            if isCalibrated, let model = GpuletsModel.named(network.name) {
                (row.l2, row.dram) = model.load(batch: batch)
            }
            return row
        }
    }

    /// Weights once; each instance has its inputs, its outputs, and the two largest tensors that
    /// live at once. gpu-lets' nine have the released scheduler's figures instead.
    func footprint(of network: NetworkCost) -> MemoryFootprint {
        if isCalibrated, let model = GpuletsModel.named(network.name) {
            return MemoryFootprint(weightsKiB: model.memoryMB * 1_000_000 / 1_024)
        }
        let largest = network.kernels.map { $0.readBytes + $0.writeBytes }.max() ?? 0
        let item = (2 * largest + network.inputBytes + network.outputBytes)
        let bytes = Int64(machine.valueBytes)
        return MemoryFootprint(
            weightsKiB: network.storedBytes / 4 * bytes / 1_024,
            workspace: batches.map { batch in
                .init(batch: batch, kib: Int64(batch) * item / 4 * bytes / 1_024)
            }
        )
    }
}

/// Latency of one network on a preset's device.
private struct Curve {
    let preset: DevicePreset
    let network: NetworkCost
    let roofline: Roofline
    /// The factor on the roofline's guess.
    let scale: Double
    /// What joining a batch on the host adds, in milliseconds.
    private let fixed: Double
    private let perItem: Double

    init(preset: DevicePreset, network: NetworkCost, knobs: PresetKnobs) {
        self.preset = preset
        self.network = network
        roofline = Roofline(preset.machine, occupancy: knobs.occupancy)
        guard preset.isCalibrated, let model = GpuletsModel.named(network.name) else {
            scale = 1
            fixed = 0
            perItem = 0
            return
        }
        let onHost = knobs.joining == .onHost
        fixed = onHost ? model.joining.fixed : 0
        perItem = onHost ? model.joining.perItem : 0
        let guess = roofline.milliseconds(
            of: network,
            batch: 32,
            processors: preset.machine.processors
        )
        scale = (model.atcMilliseconds / 2 - fixed - 32 * perItem) / guess
    }

    func milliseconds(batch: Int32, units: Int32) -> Double {
        let processors = preset.processors(units: units)
        let guess = roofline.milliseconds(of: network, batch: batch, processors: processors)
        return scale * guess + fixed + Double(batch) * perItem
    }
}
