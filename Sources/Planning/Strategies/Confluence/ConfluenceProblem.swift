import ServingDomain

/// The inputs of one planning run as dense arrays of plain numbers.
///
/// Cost: O(classes x models x points of a surface).
struct ConfluenceProblem {
    let inputs: PlanInputs
    let rule: CapacityRule
    /// What is added to demand and latencies, and what may be left over.
    let margins: Margins
    /// What is wanted, by the model's place.
    private(set) var wants: [ModelWant]
    /// Equal devices.
    let classes: [DeviceClass]
    /// The class of each device, by its place.
    let classOf: [Int]
    /// What each model offers, by class and model; nil where it cannot run.
    private(set) var offers: [[ModelOffer?]]
    /// What settling drafts came to so far. Copies of a problem share it: they differ in prices and
    /// ideals, which settling does not look at.
    let settled = SettledDrafts()
    /// What a unit of each class is worth beside the others; set from `UnitPrices`.
    var unitPrices: [Double]
    /// What a thousandth of a request per second of each model is worth in such units.
    var rateValues: [Double]

    /// The largest batch that is planned.
    static let largestBatch: Int32 = 256
    /// What the slowest of a hundred batches take longer where nobody measured it.
    static let assumedSpread = 0.03

    init(_ inputs: PlanInputs, of planner: ConfluencePlanner, reserve: Double) {
        self.inputs = inputs
        rule = planner.capacity == .paper ? .paper : .queue
        margins = planner.options.margins
        let margins = planner.options.margins
        wants = zip(inputs.models, inputs.milliRates).map {
            Self.want(of: $0, milliRate: margins.demand(max(0, $1)), reserve: reserve)
        }
        (classes, classOf) = Self.classes(of: inputs, planner)
        offers = []
        unitPrices = classes.map { _ in 1 }
        rateValues = wants.map { _ in 0 }
        for group in classes {
            offers.append(inputs.models.indices.map { offer(of: $0, on: group) })
        }
    }

    private static func want(of model: ModelSpec, milliRate: Int64, reserve: Double) -> ModelWant {
        let allowed = 1 - model.percentile / 100
        let target = allowed == allowed ? min(max(allowed, 0), 0.5) : 0
        return ModelWant(
            id: model.id,
            milliRate: max(0, milliRate),
            objective: model.slo.map { $0.inMilliseconds } ?? .infinity,
            target: target,
            row: CapacityTable.row(of: target * CapacityRule.plannedTarget),
            isHigh: model.priority == .high,
            weight: max(1, Double(model.weightMilli)) / 1_000,
            reserve: model.priority == .high ? reserve : 1
        )
    }

    private static func classes(
        of inputs: PlanInputs,
        _ planner: ConfluencePlanner
    ) -> ([DeviceClass], [Int]) {
        var classes: [DeviceClass] = []
        var firsts: [DeviceSpec] = []
        var classOf: [Int] = []
        for (place, device) in inputs.devices.enumerated() {
            let found = firsts.firstIndex { other in
                other.kind == device.kind && other.units == device.units
                    && other.grain == device.grain && other.shares == device.shares
                    && other.maxGpulets == device.maxGpulets
                    && other.memoryMiB == device.memoryMiB && other.copy == device.copy
                    && other.preemptsLow == device.preemptsLow
            }
            if let found {
                classes[found].devices.append(place)
                classOf.append(found)
                continue
            }
            firsts.append(device)
            classOf.append(classes.count)
            classes.append(group(of: device, at: place, inputs, planner))
        }
        return (classes, classOf)
    }

    private static func group(
        of device: DeviceSpec,
        at place: Int,
        _ inputs: PlanInputs,
        _ planner: ConfluencePlanner
    ) -> DeviceClass {
        let (kib, overflow) = device.memoryMiB.multipliedReportingOverflow(by: 1_024)
        var most = device.maxGpulets > 0 ? Int(device.maxGpulets) : .max
        if let asked = planner.options.maxGpulets { most = min(most, Int(asked)) }
        var sizes: [Int32] = []
        for size in device.allowedUnits.sorted() where size != sizes.last { sizes.append(size) }
        if !planner.options.spatial { sizes = sizes.filter { $0 == device.units } }
        return DeviceClass(
            kind: device.kind,
            units: device.units,
            sizes: sizes,
            maxGpulets: most,
            memoryKiB: device.memoryMiB > 0 && !overflow ? kib : .max,
            contention: planner.options.interference
                ? inputs.contention(on: device.kind) : .none,
            copy: device.copy,
            preemptsLow: device.preemptsLow,
            devices: [place]
        )
    }

    /// Whether low lanes among `seats` give way to high ones beside them: those then wait for each
    /// other only, in a slot that no low batch can take.
    func yields(_ seats: [SeatDraft], on group: Int) -> Bool {
        rule == .queue && classes[group].preemptsLow
            && seats.contains { wants[$0.model].isHigh }
            && seats.contains { !wants[$0.model].isHigh }
    }

    // MARK: What models offer

    private func offer(of place: Int, on group: DeviceClass) -> ModelOffer? {
        guard wants[place].milliRate > 0,
            let latencies = ModelLatencies(of: place, on: group.kind, in: inputs)
        else { return nil }
        let model = inputs.models[place]
        let share = { (units: Int32) in Double(units) / Double(group.units) * 100 }
        let allowed = group.sizes.filter {
            share($0) >= model.minShare - 0.005 && share($0) <= model.maxShare + 0.005
        }
        guard let largest = allowed.last, let surface = model.surface(on: group.kind) else {
            return nil
        }
        var offer = ModelOffer(
            sizes: [],
            largestUnits: largest,
            memory: latencies.profile?.memory ?? MemoryFootprint(),
            loadMs: latencies.profile?.coldStart.inMilliseconds ?? 0
        )
        var profiled = 0
        for units in Self.usefulSizes(of: surface, among: allowed) {
            guard let size = size(units, of: place, latencies, surface, on: group) else { continue }
            guard let (choice, cap) = rule.best(of: size, slowdown: 1, for: wants[place]) else {
                continue
            }
            profiled += 1
            offer.sizes.append(size)
            offer.caps.append(cap)
            offer.bests.append(choice)
            offer.best = max(offer.best, cap / Double(units))
            offer.ideal = max(offer.ideal, rule.ideal(of: size, for: wants[place]))
        }
        return profiled > 0 ? offer : nil
    }

    /// Takes for granted that lanes of these models may be busy all the time, in batches that end
    /// in time.
    mutating func raiseIdeals(of models: [Bool]) {
        for group in offers.indices {
            for model in offers[group].indices where models[model] {
                for size in offers[group][model]?.sizes ?? [] {
                    for (place, time) in size.curve.enumerated()
                    where time <= wants[model].objective {
                        let rate = Double(place + 1) / time * 1e6 / Double(size.units)
                        let ideal = offers[group][model]?.ideal ?? 0
                        offers[group][model]?.ideal = max(ideal, rate)
                    }
                }
            }
        }
    }

    /// The smallest allowed size for every profiled one: between them nothing changes.
    private static func usefulSizes(of surface: LatencySurface, among allowed: [Int32]) -> [Int32] {
        var useful: [Int32] = []
        var last: Int32 = 0
        for point in surface.points where point.instances == 1 && point.units != last {
            last = point.units
            guard let size = allowed.first(where: { $0 >= last }) else { break }
            if useful.last != size { useful.append(size) }
        }
        return useful
    }

    private func size(
        _ units: Int32,
        of place: Int,
        _ latencies: ModelLatencies,
        _ surface: LatencySurface,
        on group: DeviceClass
    ) -> SizeOffer? {
        var size = SizeOffer(units: units, choices: [], curve: [])
        let limit = inputs.models[place].instanceLimit
        size.curve = times(of: place, latencies, units: units, instances: 1, on: group)
        add(size.curve, instances: 1, to: &size, of: place, latencies)
        var last: Int32 = 1
        for point in surface.points where point.instances > last && point.instances <= limit {
            last = point.instances
            let times = times(of: place, latencies, units: units, instances: last, on: group)
            add(times, instances: last, to: &size, of: place, latencies)
        }
        guard !size.choices.isEmpty else { return nil }
        rule.prune(&size, for: wants[place])
        return size.choices.isEmpty ? nil : size
    }

    /// The time of each batch size alone, size 1 first, in ms, never falling.
    ///
    /// In the queue's test copies to the device and back belong to it: they keep the slot. The
    /// papers' latencies are without.
    func times(
        of place: Int,
        _ latencies: ModelLatencies,
        units: Int32,
        instances: Int32,
        on group: DeviceClass
    ) -> [Double] {
        let model = inputs.models[place]
        let largest = min(latencies.largestBatch(units: units), Self.largestBatch)
        guard largest >= 1 else { return [] }
        var times: [Double] = []
        for batch in 1...largest {
            guard
                let span = latencies.latency(batch: batch, units: units, instances: instances)
            else { break }
            var ms = span.inMilliseconds
            if rule == .queue, let copy = group.copy {
                let way = { (bytes: Int64) in
                    bytes > 0 && bytes < 1 << 40
                        ? copy.time(bytes: bytes * Int64(batch)).inMilliseconds : 0
                }
                ms += way(model.inputBytes) + way(model.outputBytes)
            }
            ms *= Double(margins.latencyMilli) / 1_000
            times.append(max(ms, times.last ?? 0, 1e-6))
        }
        return times
    }

    private func add(
        _ times: [Double],
        instances: Int32,
        to size: inout SizeOffer,
        of place: Int,
        _ latencies: ModelLatencies
    ) {
        for (number, time) in times.enumerated() {
            let batch = Int32(number + 1)
            guard Self.isTried(number + 1), time <= wants[place].objective else { continue }
            let spread = latencies.spread(
                of: time,
                batch: batch,
                units: size.units,
                instances: instances
            )
            var choice = SeatChoice(
                batch: batch,
                instances: instances,
                time: time,
                fixed: Self.fixedPart(of: times[...number]),
                spread: spread,
                utilization: latencies.profile?.utilization(batch: batch)
                    ?? Utilization(batch: batch, sm: 0, l2: 0, dram: 0)
            )
            if rule == .queue, let row = wants[place].row, wants[place].objective.isFinite {
                let limit = Int(batch)
                choice.loads = CapacityTable.loads(limit: limit, fixed: choice.fixed, row: row)
                choice.roundLoads = CapacityTable.loads(limit: limit, fixed: 1, row: row)
            }
            size.choices.append(choice)
        }
    }

    /// Every batch up to 16, then ever fewer.
    private static func isTried(_ batch: Int) -> Bool {
        batch <= 16 || batch % (batch <= 32 ? 2 : batch <= 64 ? 4 : 16) == 0
    }

    /// Of the lines through the last point that lie above all others, the lowest one's value at
    /// size 0, as a part of the last.
    private static func fixedPart(of times: ArraySlice<Double>) -> Double {
        guard let full = times.last, full > 0 else { return 1 }
        let count = Double(times.count)
        var fixed = 0.0
        for (place, time) in times.dropLast().enumerated() {
            let part = Double(place + 1) / count
            fixed = max(fixed, (time - full * part) / (1 - part))
        }
        return times.count == 1 ? 1 : min(1, fixed / full)
    }
}
