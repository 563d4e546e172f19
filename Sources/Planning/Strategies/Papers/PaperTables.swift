import ServingDomain

/// What the papers' planners look up again and again: latencies, affordable rates, knees.
///
/// Everything is computed once per plan, in whole nanoseconds and thousandths of a request per
/// second.
struct PaperTables {
    /// One model on one size of one kind of device.
    struct Row {
        let units: Int32
        /// Nanoseconds of batch 1, 2, ..., margins included.
        let curve: [Int64]
        /// The best that it can do alone with 2L <= SLO; rate 0 where nothing passes.
        let saturated: Saturated
    }

    /// A batch that runs back to back.
    struct Saturated {
        var batch: Int32
        var milliRate: Int64
    }

    let inputs: PlanInputs
    let options: GpuletOptions
    /// Nanoseconds; `noLimit` without an objective.
    let slos: [Int64]
    /// By device: which of the kinds it is.
    let kindOfDevice: [Int]
    /// By device: the sizes that are considered.
    let sizesOfDevice: [SplitSizes]
    /// By device: the most gpulets.
    let limitOfDevice: [Int]
    /// By kind.
    let contention: [ContentionModel]
    private let latencies: [[ModelLatencies?]]
    private let rows: [[[Row]]]
    private let knees: [[Int32]]

    /// Stands for no objective: longer than anything that is ever planned.
    static let noLimit: Int64 = ModelLatencies.unplannable / 4

    init(_ inputs: PlanInputs, _ options: GpuletOptions) {
        self.inputs = inputs
        self.options = options
        slos = inputs.models.map { $0.slo.map { max(0, $0.nanoseconds) } ?? Self.noLimit }
        var kinds: [(kind: String, units: Int32, sizes: [Int32])] = []
        var kindOfDevice: [Int] = []
        sizesOfDevice = inputs.devices.map { options.sizes(of: $0) }
        limitOfDevice = inputs.devices.map { options.limit(on: $0) }
        for (number, device) in inputs.devices.enumerated() {
            let sizes = sizesOfDevice[number].units
            if let known = kinds.firstIndex(where: {
                $0.kind == device.kind && $0.units == device.units && $0.sizes == sizes
            }) {
                kindOfDevice.append(known)
            } else {
                kindOfDevice.append(kinds.count)
                kinds.append((device.kind, device.units, sizes))
            }
        }
        self.kindOfDevice = kindOfDevice
        contention = kinds.map { kind in
            options.interference ? inputs.contention(on: kind.kind) : .none
        }
        let latencies = inputs.models.indices.map { model in
            kinds.map { ModelLatencies(of: model, on: $0.kind, in: inputs) }
        }
        self.latencies = latencies
        let slos = slos
        let rows = inputs.models.indices.map { model in
            kinds.indices.map { kind -> [Row] in
                guard let known = latencies[model][kind] else { return [] }
                let spec = inputs.models[model]
                return kinds[kind].sizes.compactMap { units in
                    let share = Double(units) / Double(kinds[kind].units) * 100
                    guard share >= spec.minShare - 0.01, share <= spec.maxShare + 0.01 else {
                        return nil
                    }
                    return Self.row(known, units, slos[model], options.margins)
                }
            }
        }
        self.rows = rows
        knees = rows.map {
            $0.map { Knee.units(of: $0.map { ($0.units, $0.saturated.milliRate) }) }
        }
    }

    private static func row(
        _ latencies: ModelLatencies,
        _ units: Int32,
        _ slo: Int64,
        _ margins: Margins
    ) -> Row {
        let curve = latencies.curve(units: units).map { margins.latency($0) }
        return Row(units: units, curve: curve, saturated: saturated(curve, slo))
    }

    /// The batch with the highest rate among those with 2L <= SLO; of equals the smallest.
    static func saturated(_ curve: [Int64], _ slo: Int64) -> Saturated {
        var best = Saturated(batch: 1, milliRate: 0)
        for (place, latency) in curve.enumerated() where latency <= slo / 2 {
            let milliRate = perSecond(Int64(place) + 1, latency)
            if milliRate > best.milliRate {
                best = Saturated(batch: Int32(place) + 1, milliRate: milliRate)
            }
        }
        return best
    }

    /// Thousandths per second that `batch` per `nanoseconds` make.
    static func perSecond(_ batch: Int64, _ nanoseconds: Int64) -> Int64 {
        batch * 1_000_000_000_000 / max(1, nanoseconds)
    }

    /// Nanoseconds in which `batch` requests come at `milliRate`.
    static func gathering(_ batch: Int64, _ milliRate: Int64) -> Int64 {
        batch * 1_000_000_000_000 / max(1, milliRate)
    }

    // MARK: Look-ups

    /// Whether the model has a profile on the kind of this device.
    func isKnown(_ model: Int, on device: Int) -> Bool {
        latencies[model][kindOfDevice[device]] != nil
    }

    /// The rows of a model on a device, ascending by size.
    func rows(_ model: Int, on device: Int) -> [Row] { rows[model][kindOfDevice[device]] }

    /// The row of a size; sizes that are not considered, such as what a split leaves of an odd
    /// device, are computed on the way. nil where the model does not run there.
    func row(_ model: Int, on device: Int, units: Int32) -> Row? {
        if let found = rows(model, on: device).first(where: { $0.units == units }) { return found }
        guard let known = latencies[model][kindOfDevice[device]] else { return nil }
        let spec = inputs.models[model]
        let share = inputs.devices[device].fraction(of: units) * 100
        guard share >= spec.minShare - 0.01, share <= spec.maxShare + 0.01 else { return nil }
        return Self.row(known, units, slos[model], options.margins)
    }

    /// The most efficient size; 0 where the model can't meet its objective on any.
    func knee(_ model: Int, on device: Int) -> Int32 { knees[model][kindOfDevice[device]] }

    /// The smallest size that serves `milliRate` by itself; nil if none does.
    func required(_ model: Int, on device: Int, for milliRate: Int64) -> Int32? {
        rows(model, on: device).first { $0.saturated.milliRate >= milliRate }?.units
    }

    /// The size to look for: the smaller of knee and what is required (notes, 2.1).
    func ideal(_ model: Int, on device: Int, for milliRate: Int64) -> Int32? {
        let knee = knee(model, on: device)
        guard knee > 0 else { return nil }
        return min(knee, required(model, on: device, for: milliRate) ?? knee)
    }
}
