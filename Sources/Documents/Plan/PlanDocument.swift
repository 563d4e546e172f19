public import ServingDomain

/// A plan as a file has it: names instead of numbers, per cent instead of units.
public struct PlanDocument: Hashable, Sendable {
    /// One model's seat on one gpulet.
    public struct Lane: Hashable, Sendable {
        /// The model.
        public var model: String
        /// The largest batch.
        public var batch: Int32
        /// The planned rate, requests per second.
        public var rate: Double
        /// The expected latency of a full batch, in milliseconds.
        public var expectedMs: Double?
        /// How many batches may run at once.
        public var instances: Int32 = 1
        /// The units that one batch runs on, anywhere on the gpulet; nil = all of them.
        public var width: Int32?
        /// The longest that a request should take, in milliseconds.
        public var worstMs: Double?
        /// The part of its requests that should miss their objective, 0...1.
        public var violation: Double?
        /// Why it sits here.
        public var why: String?

        /// Creates a seat.
        public init(model: String, batch: Int32, rate: Double) {
            self.model = model
            self.batch = batch
            self.rate = rate
        }
    }

    /// One part of a device.
    public struct Gpulet: Hashable, Sendable {
        /// Per cent of the device.
        public var share: Double
        /// The same in units; nil = not said.
        public var units: Int32?
        /// Batches that may run at once.
        public var slots: Int32 = 1
        /// The time that gives each lane one turn, in milliseconds.
        public var dutyCycleMs: Double?
        /// The models on it.
        public var lanes: [Lane]

        /// Creates a part.
        public init(share: Double, lanes: [Lane]) {
            self.share = share
            self.lanes = lanes
        }
    }

    /// How one device is split.
    public struct Device: Hashable, Sendable {
        /// The device's name.
        public var id: String
        /// Whether low batches give way to high ones within their runs there, so that none of
        /// them holds a high one up.
        public var preemptsLow = false
        /// Its parts.
        public var gpulets: [Gpulet]

        /// Creates a device.
        public init(id: String, gpulets: [Gpulet]) {
            self.id = id
            self.gpulets = gpulets
        }
    }

    /// Demand that found no place.
    public struct Unserved: Hashable, Sendable {
        /// The model.
        public var model: String
        /// The rate left over, requests per second.
        public var rate: Double
        /// What stands in the way.
        public var why: String?

        /// Creates a remainder.
        public init(model: String, rate: Double, why: String? = nil) {
            self.model = model
            self.rate = rate
            self.why = why
        }
    }

    /// What no plan could beat.
    public struct Bound: Hashable, Sendable {
        /// Which bound it is.
        public var name: String
        /// Requests per second.
        public var rate: Double

        /// Creates a bound.
        public init(name: String, rate: Double) {
            self.name = name
            self.rate = rate
        }
    }

    /// The planner that made it.
    public var planner: String
    /// The plan's number; nil = none.
    public var epoch: Int64?
    /// What no plan could beat.
    public var bound: Bound?
    /// The devices.
    public var devices: [Device]
    /// Demand that found no place.
    public var unserved: [Unserved]

    /// Creates a plan.
    public init(planner: String, devices: [Device], unserved: [Unserved] = []) {
        self.planner = planner
        self.devices = devices
        self.unserved = unserved
    }

    /// Whether all demand found a place.
    public var schedulable: Bool { unserved.isEmpty }
}

// MARK: - The domain's words

extension PlanDocument {
    /// Writes a plan down in names and per cent.
    ///
    /// - Parameters:
    ///   - plan: The plan.
    ///   - models: By their identifiers.
    ///   - devices: By theirs.
    public init(_ plan: Plan, models: [ModelSpec], devices: [DeviceSpec], epoch: Epoch? = nil) {
        func name(_ id: ModelID) -> String {
            models.indices.contains(id.position) ? models[id.position].name : "model\(id.index)"
        }
        planner = plan.planner
        self.epoch = epoch?.number
        bound = plan.bound.map { Bound(name: $0.name, rate: Double($0.milliRate) / 1_000) }
        self.devices = plan.devices.map { layout in
            let spec = devices[layout.device.position]
            var device = Device(
                id: spec.name,
                gpulets: layout.gpulets.map { Gpulet($0, on: spec, name: name) }
            )
            device.preemptsLow = spec.preemptsLow
            return device
        }
        unserved = plan.unserved.map { rest in
            Unserved(model: name(rest.model), rate: Double(rest.milliRate) / 1_000, why: rest.why)
        }
    }

    /// The plan in the domain's words.
    ///
    /// - Throws: `DocumentError` for a model or device that there isn't, a share that the device
    ///   does not have, or parts that exceed it.
    public func plan(
        models: [ModelSpec],
        devices: [DeviceSpec]
    ) throws(DocumentError) -> Plan {
        var layouts: [Plan.DeviceLayout] = []
        for (place, device) in self.devices.enumerated() {
            let path = "devices[\(place)]"
            guard let spec = devices.first(where: { $0.name == device.id }) else {
                let known = devices.map(\.name).prefix(20).joined(separator: ", ")
                throw Self.wrong("\(path).id", "there is no device '\(device.id)'; known: \(known)")
            }
            var gpulets: [Plan.GpuletLayout] = []
            for (number, gpulet) in device.gpulets.enumerated() {
                let layout = try gpulet.layout(spec, models, path: "\(path).gpulets[\(number)]")
                gpulets.append(layout)
            }
            guard gpulets.reduce(0, { $0 + Int64($1.units) }) <= Int64(spec.units) else {
                throw Self.wrong("\(path).gpulets", "their shares are more than 100 % together")
            }
            guard !layouts.contains(where: { $0.device == spec.id }) else {
                throw Self.wrong("\(path).id", "the device '\(device.id)' is there twice")
            }
            layouts.append(Plan.DeviceLayout(device: spec.id, gpulets: gpulets))
        }
        layouts.sort { $0.device < $1.device }
        var rest: [Plan.Unserved] = []
        for (place, entry) in unserved.enumerated() {
            let id = try Self.id(of: entry.model, models, path: "unserved[\(place)].model")
            let milliRate = Int64((entry.rate * 1_000).rounded())
            rest.append(Plan.Unserved(model: id, milliRate: milliRate, why: entry.why))
        }
        return Plan(
            planner: planner,
            devices: layouts,
            unserved: rest,
            bound: bound.map { bound in
                Plan.Bound(name: bound.name, milliRate: Int64((bound.rate * 1_000).rounded()))
            }
        )
    }

    fileprivate static func id(
        of name: String,
        _ models: [ModelSpec],
        path: String
    ) throws(DocumentError) -> ModelID {
        guard let model = models.first(where: { $0.name == name }) else {
            let known = models.map(\.name).prefix(20).joined(separator: ", ")
            throw wrong(path, "there is no model '\(name)'; known: \(known)")
        }
        return model.id
    }

    fileprivate static func wrong(_ path: String, _ what: String) -> DocumentError {
        DocumentError(source: "plan", line: nil, path: path, what: what)
    }
}

extension PlanDocument.Gpulet {
    fileprivate init(
        _ layout: Plan.GpuletLayout,
        on device: DeviceSpec,
        name: (ModelID) -> String
    ) {
        share = device.share(of: layout.units)
        units = layout.units
        slots = layout.slots
        dutyCycleMs = layout.dutyCycle?.inMilliseconds
        lanes = layout.lanes.map { lane in
            var entry = PlanDocument.Lane(
                model: name(lane.model),
                batch: lane.batchLimit,
                rate: Double(lane.milliRate) / 1_000
            )
            entry.expectedMs = lane.expected?.inMilliseconds
            entry.instances = lane.instances
            entry.width = lane.width
            entry.worstMs = lane.worst?.inMilliseconds
            entry.violation = lane.violation
            entry.why = lane.why
            return entry
        }
    }

    fileprivate func layout(
        _ device: DeviceSpec,
        _ models: [ModelSpec],
        path: String
    ) throws(DocumentError) -> Plan.GpuletLayout {
        guard let count = device.units(ofShare: share) else {
            throw PlanDocument.wrong("\(path).share", device.wrongShare(share))
        }
        if let units, units != count {
            let line = "\(units) units are not the \(JSONText.number(share)) % of 'share'"
            throw PlanDocument.wrong("\(path).units", line)
        }
        var seats: [Plan.LanePlacement] = []
        for (place, lane) in lanes.enumerated() {
            let seat = "\(path).lanes[\(place)].model"
            seats.append(
                Plan.LanePlacement(
                    model: try PlanDocument.id(of: lane.model, models, path: seat),
                    batchLimit: lane.batch,
                    instances: lane.instances,
                    width: lane.width,
                    milliRate: Int64((lane.rate * 1_000).rounded()),
                    expected: lane.expectedMs.map { .milliseconds(rounding: $0) },
                    worst: lane.worstMs.map { .milliseconds(rounding: $0) },
                    violation: lane.violation,
                    why: lane.why
                )
            )
        }
        return Plan.GpuletLayout(
            units: count,
            slots: slots,
            dutyCycle: dutyCycleMs.map { .milliseconds(rounding: $0) },
            lanes: seats
        )
    }
}
