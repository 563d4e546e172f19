import ServingDomain

/// Configurations, models, devices and plans in the journal's form.
extension JournalBytes {
    mutating func append(_ configuration: CoreConfiguration) {
        append(all: configuration.devices) { $0.append($1) }
        append(configuration.policy)
        append(configuration.scaler)
        append(configuration.planner)
        for limit in configuration.limits.inOrder { append(limit) }
        append(optional: configuration.epochs) { $0.append($1) }
        append(all: configuration.contention) { bytes, entry in
            bytes.append(entry.kind)
            bytes.append(entry.model)
        }
    }

    mutating func append(_ device: DeviceSpec) {
        append(device.id.index)
        append(device.name)
        append(device.kind)
        append(device.units)
        append(device.grain)
        append(all: device.shares) { $0.append($1) }
        append(device.maxGpulets)
        append(device.memoryMiB)
        append(device.copyEngines)
        append(optional: device.copy) { bytes, copy in
            bytes.append(copy.setup.nanoseconds)
            bytes.append(copy.bytesPerSecond)
            bytes.append(copy.bothWaysMilli)
            bytes.append(copy.uplink)
            bytes.append(copy.uplinkBytesPerSecond)
        }
        append(device.preemptsLow)
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
        append(spec.percentile)
        append(spec.instances)
        append(spec.instanceLimit)
        append(spec.minShare)
        append(spec.maxShare)
        append(optional: spec.surface) { $0.append($1) }
        append(all: spec.profiles) { $0.append($1) }
        append(all: spec.estimates) { $0.append($1) }
        append(spec.inputBytes)
        append(spec.outputBytes)
        append(spec.weightMilli)
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
            bytes.append(optional: rest.why) { $0.append($1) }
        }
        append(optional: plan.bound) { bytes, bound in
            bytes.append(bound.name)
            bytes.append(bound.milliRate)
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
            bytes.append(lane.width ?? 0)
            bytes.append(lane.milliRate)
            bytes.append(optional: lane.expected) { $0.append($1.nanoseconds) }
            bytes.append(optional: lane.worst) { $0.append($1.nanoseconds) }
            bytes.append(optional: lane.violation) { $0.append($1) }
            bytes.append(optional: lane.why) { $0.append($1) }
        }
    }

    mutating func append(_ inputs: PlanInputs) {
        append(all: inputs.devices) { $0.append($1) }
        append(all: inputs.models) { $0.append($1) }
        append(all: inputs.milliRates) { $0.append($1) }
        append(all: inputs.leastMilliRates) { $0.append($1) }
        append(optional: inputs.present) { $0.append($1) }
        append(all: inputs.contention) { bytes, entry in
            bytes.append(entry.kind)
            bytes.append(entry.model)
        }
        append(all: inputs.corrections) { bytes, correction in
            bytes.append(correction.model.index)
            bytes.append(correction.kind)
            bytes.append(correction.milli)
            bytes.append(correction.host.fixed.nanoseconds)
            bytes.append(correction.host.perItem.nanoseconds)
        }
    }
}

extension CoreLimits {
    /// All limits in the order in which they are declared.
    fileprivate var inOrder: [Int32] {
        [
            requests, queue, models, levels, devices, gpulets, lanes, instances,
            instancesPerLane, batchItems, watchdogSeconds, graceSeconds, abandonedInstances,
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
        configuration.limits.graceSeconds = try small()
        configuration.limits.abandonedInstances = try small()
        configuration.epochs = try optional { cursor throws(JournalError) in
            try cursor.epochs()
        }
        configuration.contention = try all { cursor throws(JournalError) in
            PlanInputs.KindContention(
                kind: try cursor.text(),
                model: try cursor.contention()
            )
        }
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
            shares: try all { cursor throws(JournalError) in try cursor.small() },
            maxGpulets: try small(),
            memoryMiB: try signed(),
            copyEngines: try small(),
            copy: try optional { cursor throws(JournalError) in try cursor.copy() },
            preemptsLow: try flag()
        )
    }

    private mutating func copy() throws(JournalError) -> CopySpec {
        let setup = try span()
        let speed = try signed()
        guard setup >= .zero, speed >= 1 else { throw .damaged("a link has no speed") }
        return CopySpec(
            setup: setup,
            bytesPerSecond: speed,
            bothWaysMilli: try small(in: 1...1_000),
            uplink: try small(),
            uplinkBytesPerSecond: try signed()
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
        spec.percentile = try real()
        spec.instances = try small(in: 1 ... .max)
        spec.instanceLimit = try small()
        spec.minShare = try real()
        spec.maxShare = try real()
        spec.surface = try optional { cursor throws(JournalError) in try cursor.surface() }
        spec.profiles = try all { cursor throws(JournalError) in try cursor.profile() }
        spec.estimates = try all { cursor throws(JournalError) in try cursor.estimate() }
        spec.inputBytes = try signed()
        spec.outputBytes = try signed()
        spec.weightMilli = try small()
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

    mutating func plan() throws(JournalError) -> Plan {
        let planner = try text()
        let devices = try all { cursor throws(JournalError) in
            Plan.DeviceLayout(
                device: DeviceID(try cursor.small()),
                gpulets: try cursor.all { inner throws(JournalError) in try inner.gpulet() }
            )
        }
        let unserved = try all { cursor throws(JournalError) in
            Plan.Unserved(
                model: ModelID(try cursor.small()),
                milliRate: try cursor.signed(),
                why: try cursor.optional { inner throws(JournalError) in try inner.text() }
            )
        }
        let bound = try optional { cursor throws(JournalError) in
            Plan.Bound(name: try cursor.text(), milliRate: try cursor.signed())
        }
        return Plan(planner: planner, devices: devices, unserved: unserved, bound: bound)
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
        let model = ModelID(try small())
        let batchLimit = try small(in: 1 ... .max)
        let instances = try small(in: 1 ... .max)
        let width = try small(in: 0 ... .max)
        return Plan.LanePlacement(
            model: model,
            batchLimit: batchLimit,
            instances: instances,
            width: width == 0 ? nil : width,
            milliRate: try signed(),
            expected: try optional { cursor throws(JournalError) in try cursor.span() },
            worst: try optional { cursor throws(JournalError) in try cursor.span() },
            violation: try optional { cursor throws(JournalError) in try cursor.real() },
            why: try optional { cursor throws(JournalError) in try cursor.text() }
        )
    }
}
