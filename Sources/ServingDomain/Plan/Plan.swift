/// The whole decision of a planner: how devices are split and which models sit where.
public struct Plan: Hashable, Sendable {
    /// The planner that made it.
    public var planner: String
    /// One layout per device, in the order of the devices.
    public var devices: [DeviceLayout]
    /// Demand that found no place, in requests per second.
    public var unserved: [Unserved]
    /// What no plan could beat, where the planner knows; nil = not known.
    public var bound: Bound?

    /// Creates a plan.
    public init(
        planner: String,
        devices: [DeviceLayout],
        unserved: [Unserved] = [],
        bound: Bound? = nil
    ) {
        self.planner = planner
        self.devices = devices
        self.unserved = unserved
        self.bound = bound
    }

    /// How far from the best that there could be a plan is at most.
    public struct Bound: Hashable, Sendable {
        /// Which bound it is, in words, such as `linear program over shares`.
        public var name: String
        /// Requests per second, in thousandths, that no plan could serve more than.
        public var milliRate: Int64

        /// Creates a bound.
        public init(name: String, milliRate: Int64) {
            self.name = name
            self.milliRate = milliRate
        }
    }

    /// Whether all demand found a place.
    public var schedulable: Bool { unserved.isEmpty }

    /// How one device is split.
    public struct DeviceLayout: Hashable, Sendable {
        /// The device.
        public var device: DeviceID
        /// Its parts; their units sum to at most the device's.
        public var gpulets: [GpuletLayout]

        /// Creates the layout of one device.
        public init(device: DeviceID, gpulets: [GpuletLayout]) {
            self.device = device
            self.gpulets = gpulets
        }
    }

    /// One part of a device, and what runs on it.
    public struct GpuletLayout: Hashable, Sendable {
        /// The part's size in device units.
        public var units: Int32
        /// Batches that may run on it at once.
        public var slots: Int32
        /// The time that gives each lane one turn; nil where nothing takes turns.
        public var dutyCycle: TimeSpan?
        /// The models that sit on it.
        public var lanes: [LanePlacement]

        /// Creates the layout of one gpulet.
        public init(units: Int32, slots: Int32, dutyCycle: TimeSpan?, lanes: [LanePlacement]) {
            precondition(units >= 1 && slots >= 1)
            self.units = units
            self.slots = slots
            self.dutyCycle = dutyCycle
            self.lanes = lanes
        }

        /// The units that a batch of `lane` runs on.
        public func units(of lane: LanePlacement) -> Int32 { min(units, lane.width ?? units) }
    }

    /// One model's seat on one gpulet.
    public struct LanePlacement: Hashable, Sendable {
        /// The model.
        public var model: ModelID
        /// The largest batch allowed.
        public var batchLimit: Int32
        /// How many of its batches may run at once.
        public var instances: Int32
        /// The units that one of its batches runs on, anywhere on the gpulet; nil = all of them.
        ///
        /// Batches of one class start only while those that run leave a unit free.
        public var width: Int32?
        /// The planned rate in thousandths of a request per second; 0 = not planned by rate.
        public var milliRate: Int64
        /// The expected latency of a full batch, predicted slowdown included; nil = not known.
        public var expected: TimeSpan?
        /// The longest that a request at the planned rate should take; nil = not known.
        public var worst: TimeSpan?
        /// The part of its requests that should miss their objective, 0...1; nil = not known.
        public var violation: Double?
        /// Why it sits here, in plain words; nil = the planner does not say.
        public var why: String?

        /// Creates a seat.
        public init(
            model: ModelID,
            batchLimit: Int32,
            instances: Int32,
            width: Int32? = nil,
            milliRate: Int64 = 0,
            expected: TimeSpan? = nil,
            worst: TimeSpan? = nil,
            violation: Double? = nil,
            why: String? = nil
        ) {
            precondition(batchLimit >= 1 && instances >= 1 && width ?? 1 >= 1)
            self.model = model
            self.batchLimit = batchLimit
            self.instances = instances
            self.width = width
            self.milliRate = milliRate
            self.expected = expected
            self.worst = worst
            self.violation = violation
            self.why = why
        }

        /// How many instances share the units that one batch runs on: those of a lane with a
        /// width each have their own.
        public var sharers: Int32 { width == nil ? instances : 1 }
    }

    /// Demand of one model that found no place.
    public struct Unserved: Hashable, Sendable {
        /// The model.
        public var model: ModelID
        /// The rate left over, in thousandths of a request per second.
        public var milliRate: Int64
        /// What stands in the way, in plain words; nil = the planner does not say.
        public var why: String?

        /// Creates a remainder.
        public init(model: ModelID, milliRate: Int64, why: String? = nil) {
            self.model = model
            self.milliRate = milliRate
            self.why = why
        }
    }
}
