import ServingDomain

/// Configurations, models, devices and plans in the journal's form.
extension JournalBytes {
    mutating func append(_ configuration: CoreConfiguration) {
        append(all: configuration.devices) { $0.append($1) }
        append(configuration.policy)
        append(configuration.scaler)
        append(configuration.planner)
        for limit in configuration.limits.inOrder { append(limit) }
    }

    mutating func append(_ device: DeviceSpec) {
        append(device.id.index)
        append(device.name)
        append(device.kind)
        append(device.units)
        append(device.grain)
        append(device.memoryMiB)
        append(device.copyEngines)
    }

    mutating func append(_ spec: ModelSpec) {
        append(spec.id.index)
        append(spec.name)
        append(spec.version)
        append(spec.maxBatch)
        append(spec.batching.dynamic)
        append(all: spec.batching.preferredSizes) { $0.append($1) }
        append(spec.batching.maxQueueDelay.nanoseconds)
        append(spec.batching.preserveOrdering)
        append(spec.batching.fixed)
        append(spec.priorities.levels)
        append(spec.priorities.defaultLevel)
        append(all: spec.queues) { bytes, rules in
            bytes.append(byte: rules.timeoutAction.rawValue)
            bytes.append(optional: rules.timeout) { $0.append($1.nanoseconds) }
            bytes.append(rules.allowsOverride)
            bytes.append(rules.maxSize)
        }
        append(optional: spec.slo) { $0.append($1.nanoseconds) }
        append(spec.percentile.bitPattern)
        append(spec.instances)
        append(spec.instanceLimit)
        append(optional: spec.surface) { bytes, surface in
            bytes.append(all: surface.points) { $0.append($1) }
        }
    }

    mutating func append(_ point: LatencySurface.Point) {
        append(point.batch)
        append(point.units)
        append(point.latency.nanoseconds)
    }

    mutating func append(_ plan: Plan) {
        append(plan.planner)
        append(all: plan.devices) { bytes, layout in
            bytes.append(layout.device.index)
            bytes.append(all: layout.gpulets) { $0.append($1) }
        }
        append(all: plan.unserved) { bytes, rest in
            bytes.append(rest.model.index)
            bytes.append(rest.milliRate)
        }
    }

    private mutating func append(_ gpulet: Plan.GpuletLayout) {
        append(gpulet.units)
        append(gpulet.slots)
        append(optional: gpulet.dutyCycle) { $0.append($1.nanoseconds) }
        append(all: gpulet.lanes) { bytes, lane in
            bytes.append(lane.model.index)
            bytes.append(lane.batchLimit)
            bytes.append(lane.instances)
            bytes.append(lane.milliRate)
            bytes.append(optional: lane.expected) { $0.append($1.nanoseconds) }
        }
    }

    mutating func append(_ inputs: PlanInputs) {
        append(all: inputs.devices) { $0.append($1) }
        append(all: inputs.models) { $0.append($1) }
        append(all: inputs.milliRates) { $0.append($1) }
        append(optional: inputs.present) { $0.append($1) }
    }
}

extension CoreLimits {
    /// All limits in the order in which they are declared.
    fileprivate var inOrder: [Int32] {
        [
            requests, queue, models, levels, devices, gpulets, lanes, instances,
            instancesPerLane, batchItems, watchdogSeconds,
        ]
    }
}

extension JournalCursor {
    mutating func configuration() throws(JournalError) -> CoreConfiguration {
        var configuration = CoreConfiguration(
            devices: try all { cursor throws(JournalError) in try cursor.device() }
        )
        configuration.policy = try text()
        configuration.scaler = try text()
        configuration.planner = try text()
        configuration.limits.requests = try small()
        configuration.limits.queue = try small()
        configuration.limits.models = try small()
        configuration.limits.levels = try small()
        configuration.limits.devices = try small()
        configuration.limits.gpulets = try small()
        configuration.limits.lanes = try small()
        configuration.limits.instances = try small()
        configuration.limits.instancesPerLane = try small()
        configuration.limits.batchItems = try small()
        configuration.limits.watchdogSeconds = try small()
        return configuration
    }

    private mutating func device() throws(JournalError) -> DeviceSpec {
        let id = DeviceID(try small())
        let name = try text()
        let kind = try text()
        let units = try small(in: 1 ... .max)
        return DeviceSpec(
            id: id,
            name: name,
            kind: kind,
            units: units,
            grain: try small(in: 1...units),
            memoryMiB: try signed(),
            copyEngines: try small()
        )
    }

    mutating func spec() throws(JournalError) -> ModelSpec {
        var spec = ModelSpec(id: ModelID(try small()), name: try text())
        spec.version = try signed()
        spec.maxBatch = try small(in: 1 ... .max)
        spec.batching.dynamic = try flag()
        spec.batching.preferredSizes = try all { cursor throws(JournalError) in
            try cursor.small()
        }
        spec.batching.maxQueueDelay = try span()
        spec.batching.preserveOrdering = try flag()
        spec.batching.fixed = try flag()
        let levels = try small(in: 1...65_536)
        spec.priorities = PriorityRules(levels: levels, defaultLevel: try small(in: 1...levels))
        spec.queues = try all { cursor throws(JournalError) in try cursor.rules() }
        guard spec.queues.count == Int(levels) else {
            throw .damaged("a model has more or fewer queues than levels")
        }
        spec.slo = try optional { cursor throws(JournalError) in try cursor.span() }
        spec.percentile = Double(bitPattern: try number())
        spec.instances = try small(in: 1 ... .max)
        spec.instanceLimit = try small()
        spec.surface = try optional { cursor throws(JournalError) in
            LatencySurface(try cursor.all { inner throws(JournalError) in try inner.point() })
        }
        return spec
    }

    private mutating func rules() throws(JournalError) -> QueueRules {
        QueueRules(
            timeoutAction: try choice(of: QueueRules.TimeoutAction.self),
            timeout: try optional { cursor throws(JournalError) in try cursor.span() },
            allowsOverride: try flag(),
            maxSize: try small()
        )
    }

    private mutating func span() throws(JournalError) -> TimeSpan {
        TimeSpan(nanoseconds: try signed())
    }

    mutating func point() throws(JournalError) -> LatencySurface.Point {
        let point = LatencySurface.Point(
            batch: try small(in: 1 ... .max),
            units: try small(in: 1 ... .max),
            latency: try span()
        )
        guard point.latency >= .zero else { throw .damaged("a latency is negative") }
        return point
    }

    mutating func plan() throws(JournalError) -> Plan {
        let planner = try text()
        let devices = try all { cursor throws(JournalError) in
            Plan.DeviceLayout(
                device: DeviceID(try cursor.small()),
                gpulets: try cursor.all { inner throws(JournalError) in try inner.gpulet() }
            )
        }
        let unserved = try all { cursor throws(JournalError) in
            Plan.Unserved(model: ModelID(try cursor.small()), milliRate: try cursor.signed())
        }
        return Plan(planner: planner, devices: devices, unserved: unserved)
    }

    private mutating func gpulet() throws(JournalError) -> Plan.GpuletLayout {
        Plan.GpuletLayout(
            units: try small(in: 1 ... .max),
            slots: try small(in: 1 ... .max),
            dutyCycle: try optional { cursor throws(JournalError) in try cursor.span() },
            lanes: try all { cursor throws(JournalError) in try cursor.placement() }
        )
    }

    private mutating func placement() throws(JournalError) -> Plan.LanePlacement {
        Plan.LanePlacement(
            model: ModelID(try small()),
            batchLimit: try small(in: 1 ... .max),
            instances: try small(in: 1 ... .max),
            milliRate: try signed(),
            expected: try optional { cursor throws(JournalError) in try cursor.span() }
        )
    }
}
