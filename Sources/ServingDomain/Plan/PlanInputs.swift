/// What a planner is told: demand, devices, models, what was learned, and the plan that stands.
public struct PlanInputs: Hashable, Sendable {
    /// What running beside others costs on one kind of device.
    public struct KindContention: Hashable, Sendable {
        /// The kind of device.
        public var kind: String
        /// The cost.
        public var model: ContentionModel

        /// Creates the entry of one kind.
        public init(kind: String, model: ContentionModel) {
            self.kind = kind
            self.model = model
        }
    }

    /// How much slower than profiled a model was seen to be on one kind of device, and what the
    /// host takes around its batches there.
    public struct Correction: Hashable, Sendable {
        /// The model.
        public var model: ModelID
        /// The kind of device.
        public var kind: String
        /// Measured / profiled, in thousandths.
        public var milli: Int32
        /// What a batch takes beside that, whatever its share of the device.
        public var host: HostTime

        /// Creates a correction.
        public init(model: ModelID, kind: String, milli: Int32, host: HostTime = .none) {
            self.model = model
            self.kind = kind
            self.milli = milli
            self.host = host
        }
    }

    /// The devices that are there, in order of their identifiers.
    public var devices: [DeviceSpec]
    /// The models to place, in order of their identifiers, with their latest surfaces.
    public var models: [ModelSpec]
    /// The rate of each model in thousandths of a request per second, in the order of `models`.
    public var milliRates: [Int64]
    /// The same without headroom, where the rates above have some: what is asked for now. Empty =
    /// they have none.
    public var leastMilliRates: [Int64]
    /// The plan that stands, where lanes have settled with the setting and the share that are
    /// enough for them: the next plan's starting point. nil before the first.
    public var present: Plan?
    /// What co-runners cost, per kind of device; a kind that is missing has no such cost.
    public var contention: [KindContention]
    /// Learned corrections; what is missing is 1, and no time of the host's.
    public var corrections: [Correction]

    /// Creates the inputs of one planning run.
    public init(
        devices: [DeviceSpec],
        models: [ModelSpec],
        milliRates: [Int64],
        leastMilliRates: [Int64] = [],
        present: Plan?,
        contention: [KindContention] = [],
        corrections: [Correction] = []
    ) {
        precondition(models.count == milliRates.count)
        self.devices = devices
        self.models = models
        self.milliRates = milliRates
        self.leastMilliRates = leastMilliRates
        self.present = present
        self.contention = contention
        self.corrections = corrections
    }

    /// What co-runners cost on devices of `kind`.
    public func contention(on kind: String) -> ContentionModel {
        contention.first { $0.kind == kind }?.model ?? .none
    }

    /// Measured / profiled of `model` on `kind`, in thousandths.
    public func correctionMilli(of model: ModelID, on kind: String) -> Int32 {
        corrections.first { $0.model == model && $0.kind == kind }?.milli ?? 1_000
    }

    /// What the host takes around a batch of `model` on `kind`.
    public func hostTime(of model: ModelID, on kind: String) -> HostTime {
        corrections.first { $0.model == model && $0.kind == kind }?.host ?? .none
    }
}
