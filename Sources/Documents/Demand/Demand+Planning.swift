public import ServingDomain

extension Demand {
    /// What a planner is told: the models of the demand with their profiles, and the devices.
    ///
    /// - Parameters:
    ///   - library: The profiles.
    ///   - devices: The devices, in order of their identifiers.
    ///   - kinds: Descriptions of kinds of devices, for what co-runners cost.
    ///   - estimates: What stands in for profiles that are not there.
    /// - Throws: `DocumentError` where profiles do not fit the devices.
    public func planInputs(
        library: ProfileLibrary,
        devices: [DeviceSpec],
        kinds: [DeviceDescription] = [],
        estimates: Estimates = .none
    ) throws(DocumentError) -> PlanInputs {
        var specs: [ModelSpec] = []
        for (place, want) in models.enumerated() {
            var spec = try library.spec(
                ModelID(Int32(place)),
                of: want.model,
                on: devices,
                estimates: estimates
            )
            spec.slo = want.slo
            spec.percentile = want.percentile
            let level: Int32 = want.priority == .high ? 1 : 2
            spec.priorities = PriorityRules(levels: 2, defaultLevel: level)
            specs.append(spec)
        }
        let contention = kinds.compactMap { kind -> PlanInputs.KindContention? in
            guard devices.contains(where: { $0.kind == kind.kind }) else { return nil }
            return kind.contention.map {
                PlanInputs.KindContention(kind: kind.kind, model: $0.model(of: specs))
            }
        }
        return PlanInputs(
            devices: devices,
            models: specs,
            milliRates: models.map(\.milliRate),
            present: nil,
            contention: contention
        )
    }

    /// What looks wrong and is taken as it is, one line each: latencies that fall, objectives
    /// that no device can keep, models without a profile.
    public func warnings(_ inputs: PlanInputs, library: ProfileLibrary) -> [String] {
        var lines: [String] = []
        for (place, spec) in inputs.models.enumerated() {
            for profile in library.profiles where profile.model == spec.name {
                lines += profile.warnings
            }
            if let obstacle = spec.obstacle(on: inputs.devices) {
                lines.append("models[\(place)]: \(obstacle)")
            }
        }
        return lines
    }
}
