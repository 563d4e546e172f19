import ServingDomain

/// Latency, batch and interference as the released code computes them, in its single precision:
/// it cuts decimals off, so the last digits decide (notes, 1.2, 1.3, 3).
struct ReleasedTables {
    /// One kind of device.
    struct Kind {
        let name: String
        let units: Int32
        /// Descending; every size stands there with what it leaves of the device.
        let sizes: [Int32]
        let contention: ContentionModel
        /// By model; nil without a profile.
        let models: [Entry?]
    }

    /// One model on one kind.
    struct Entry {
        /// In the order of the kind's sizes; milliseconds of batch 1, 2, ...
        let rows: [[Float]]
        /// The same with the host's part and the ratio.
        let latencies: [[Float]]
        let overhead: [Float]
        /// By batch.
        let utilization: [Utilization]
        let memoryMiB: Int64
    }

    let rules: ReleasedRules
    let kinds: [Kind]
    let slos: [Float]
    let models: [ModelSpec]
    private let ratio: Float

    init(_ inputs: PlanInputs, rules: ReleasedRules, host: [HostBatching]) {
        self.rules = rules
        models = inputs.models
        ratio = Float(rules.margins.latencyMilli) / 1_000
        slos = inputs.models.map { $0.slo.map { Float($0.inMilliseconds) } ?? 1e9 }
        var names: [String] = []
        var kinds: [Kind] = []
        for device in inputs.devices where !names.contains(device.kind) {
            names.append(device.kind)
            kinds.append(Self.kind(device, inputs, rules, host))
        }
        // The code keeps kinds in a map, which orders them by name.
        self.kinds = kinds.sorted { $0.name < $1.name }
    }

    private static func kind(
        _ device: DeviceSpec,
        _ inputs: PlanInputs,
        _ rules: ReleasedRules,
        _ host: [HostBatching]
    ) -> Kind {
        let sizes = rules.splits ? SplitSizes.halves(of: device) : [device.units]
        let entries = inputs.models.indices.map { place -> Entry? in
            guard let latencies = ModelLatencies(of: place, on: device.kind, in: inputs) else {
                return nil
            }
            let model = inputs.models[place]
            let profile = model.profile(on: device.kind)
            let largest = sizes.map { latencies.largestBatch(units: $0) }.max() ?? 0
            let cost = host.first { $0.model == model.name }?.milliseconds ?? []
            let overhead = (0..<Int(largest)).map { place in
                cost.isEmpty ? 0 : cost[min(place, cost.count - 1)]
            }
            let rows = sizes.map { units -> [Float] in
                // The code knows no limits of a model's share; beyond them nothing is plannable.
                let share = device.fraction(of: units) * 100
                let isAllowed = share >= model.minShare - 0.01 && share <= model.maxShare + 0.01
                return isAllowed
                    ? row(latencies, units, sizes, largest, rules)
                    : Array(repeating: .infinity, count: Int(largest))
            }
            let ratio = Float(rules.margins.latencyMilli) / 1_000
            return Entry(
                rows: rows,
                latencies: rows.map { row in
                    row.indices.map { (row[$0] + overhead[$0]) * ratio }
                },
                overhead: overhead,
                utilization: (1...max(1, largest)).map {
                    utilization(profile, $0, largest, powers: rules.readsPowers)
                },
                memoryMiB: (profile?.memory.weightsKiB ?? 0) / 1_024
            )
        }
        return Kind(
            name: device.kind,
            units: device.units,
            sizes: sizes,
            contention: inputs.contention(on: device.kind),
            models: entries
        )
    }

    /// T(b, p) for every batch: profiled batches as they are; others between the smallest and
    /// the largest size, by the weight that this size has at the largest batch.
    private static func row(
        _ latencies: ModelLatencies,
        _ units: Int32,
        _ sizes: [Int32],
        _ largest: Int32,
        _ rules: ReleasedRules
    ) -> [Float] {
        func linear(_ batch: Int32, _ units: Int32) -> Float {
            latencies.latency(batch: batch, units: units).map { Float($0.inMilliseconds) }
                ?? .infinity
        }
        guard largest >= 1 else { return [] }
        let top = sizes.first ?? units
        let bottom = sizes.last ?? units
        let high = linear(largest, bottom)
        let low = linear(largest, top)
        let weight = (linear(largest, units) - low) / (high - low)
        return (1...largest).map { batch in
            let plain = linear(batch, units)
            guard rules.weighsShares, weight.isFinite, plain.isFinite,
                !latencies.isProfiled(batch: batch, units: units)
            else { return plain }
            let (slow, fast) = (linear(batch, bottom), linear(batch, top))
            return slow.isFinite && fast.isFinite ? (slow - fast) * weight + fast : plain
        }
    }

    /// Utilisation at `batch`; the code reads rows of powers of two only.
    private static func utilization(
        _ profile: DeviceProfile?,
        _ batch: Int32,
        _ largest: Int32,
        powers: Bool
    ) -> Utilization {
        guard let profile else { return Utilization(batch: batch, sm: 0, l2: 0, dram: 0) }
        guard powers else { return profile.utilization(batch: batch) }
        var below: Int32 = 1
        while below * 2 <= batch { below *= 2 }
        let above = min(largest, below * 2)
        let upper = profile.utilization(batch: above)
        guard above > below else { return upper }
        let lower = profile.utilization(batch: below)
        let part = Double(batch - below) / Double(above - below)
        return Utilization(
            batch: batch,
            sm: upper.sm * part + lower.sm * (1 - part),
            l2: upper.l2 * part + lower.l2 * (1 - part),
            dram: upper.dram * part + lower.dram * (1 - part)
        )
    }

    // MARK: Latency

    /// The largest batch that is ever tried.
    func largest(_ model: Int, _ kind: Int) -> Int {
        kinds[kind].models[model]?.overhead.count ?? 0
    }

    /// L(b, p) without co-runners; infinite where nothing is known.
    func latency(_ model: Int, _ batch: Int, _ kind: Int, _ units: Int32) -> Float {
        guard let entry = kinds[kind].models[model], batch >= 1, batch <= entry.overhead.count,
            let size = kinds[kind].sizes.firstIndex(of: units)
        else { return .infinity }
        return entry.latencies[size][batch - 1]
    }

    /// L(b, p) on `node` beside what stands on the device of its number.
    func latency(
        _ model: Int,
        _ batch: Int,
        on node: ReleasedNode,
        _ board: [ReleasedDevice]
    ) -> Float {
        guard rules.interference, node.device < board.count else {
            return latency(model, batch, node.kind, node.units)
        }
        let slowdown = slowdown(model, batch, node, beside: board[node.device].nodes)
        guard slowdown > 1, let entry = kinds[node.kind].models[model], batch >= 1,
            batch <= entry.overhead.count,
            let size = kinds[node.kind].sizes.firstIndex(of: node.units)
        else { return latency(model, batch, node.kind, node.units) }
        let alone = entry.rows[size][batch - 1]
        let added = Float(Double(alone) * (slowdown - 1))
        return (alone + entry.overhead[batch - 1] + added) * ratio
    }

    /// The worst pair; at least 1.
    func slowdown(
        _ model: Int,
        _ batch: Int,
        _ node: ReleasedNode,
        beside nodes: [ReleasedNode]
    ) -> Double {
        let kind = kinds[node.kind]
        guard let victim = load(model, batch, node, kind) else { return 1 }
        var worst = 1.0
        for other in nodes where !other.isSame(node) {
            for lane in other.lanes {
                guard let load = load(lane.model, lane.batch, other, kind) else { continue }
                // The code keeps the result in single precision.
                let slowdown = Float(kind.contention.slowdown(of: victim, beside: [load]))
                worst = max(worst, Double(slowdown))
            }
        }
        return worst
    }

    private func load(
        _ model: Int,
        _ batch: Int,
        _ node: ReleasedNode,
        _ kind: Kind
    ) -> ContentionLoad? {
        guard let entry = kind.models[model], batch >= 1, batch <= entry.utilization.count else {
            return nil
        }
        return ContentionLoad(
            model: models[model].id,
            batch: Int32(batch),
            utilization: entry.utilization[batch - 1],
            fraction: Double(node.units) / Double(kind.units)
        )
    }

    // MARK: Batches

    /// The largest batch by bisection; 0 if not even one item passes.
    func search(upTo largest: Int, _ passes: (Int) -> Bool) -> Int {
        guard largest >= 1 else { return 0 }
        if !rules.missesLargest {
            return (1...largest).last(where: passes) ?? 0
        }
        var (low, high) = (1, largest)
        while high - low > 1 {
            let middle = (low + high) / 2
            if passes(middle) { low = middle } else { high = middle }
        }
        return low > 1 || passes(1) ? low : 0
    }

    /// The saturated rate of a size: the largest batch with 2L <= SLO, or one item where even
    /// that does not pass.
    func saturated(_ model: Int, _ kind: Int, _ units: Int32) -> (batch: Int, rate: Float) {
        let found = search(upTo: largest(model, kind)) {
            2 * latency(model, $0, kind, units) <= slos[model]
        }
        let batch = max(1, found)
        return (batch, Float(Double(batch) * 1_000 / Double(latency(model, batch, kind, units))))
    }

    /// p_eff (1.5): the upper size of the steepest step that gains at least a twentieth.
    func knee(_ model: Int, _ kind: Int) -> Int32 {
        let sizes = kinds[kind].sizes
        guard sizes.count > 1, var found = sizes.last else { return sizes.first ?? 1 }
        var steepest: Float = 0
        let first = rules.missesLastStep ? 2 : 1
        guard sizes.count > first else { return found }
        for place in stride(from: sizes.count - 1, through: first, by: -1) {
            let low = saturated(model, kind, sizes[place]).rate
            let high = saturated(model, kind, sizes[place - 1]).rate
            guard high / low >= 1.05 else { continue }
            let slope = (high - low) / Float(sizes[place - 1] - sizes[place])
            if slope > steepest {
                steepest = slope
                found = sizes[place - 1]
            }
        }
        return found
    }
}
