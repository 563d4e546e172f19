public import ServingDomain

/// How a model really behaves on each kind of device, whatever planner and core believe.
public struct ModelTruth: Hashable, Sendable {
    /// One profile per kind of device.
    public var profiles: [DeviceProfile]
    /// Latencies on kinds without a profile of their own; nil = it can't run there.
    public var surface: LatencySurface?
    /// Bytes of one item's inputs and outputs; 0 = no copies.
    public var inputBytes: Int64, outputBytes: Int64
    /// Standard deviation of the logarithm of a run's time: 0.02 is about 2 %; 0 = no noise.
    public var spread: Double

    /// Creates a truth.
    public init(
        profiles: [DeviceProfile],
        surface: LatencySurface? = nil,
        inputBytes: Int64 = 0,
        outputBytes: Int64 = 0,
        spread: Double = 0
    ) {
        precondition(inputBytes >= 0 && outputBytes >= 0)
        self.profiles = profiles
        self.surface = surface
        self.inputBytes = inputBytes
        self.outputBytes = outputBytes
        self.spread = spread
    }

    /// The truth in which everything that `spec` says is right.
    public init(of spec: ModelSpec, spread: Double = 0) {
        self.init(
            profiles: spec.profiles,
            surface: spec.surface,
            inputBytes: spec.inputBytes,
            outputBytes: spec.outputBytes,
            spread: spread
        )
    }

    /// The profile for devices of `kind`; nil where it can't run.
    public func profile(on kind: String) -> DeviceProfile? {
        profiles.first { $0.kind == kind } ?? surface.map { DeviceProfile(kind: kind, surface: $0) }
    }
}

/// A model's latencies and utilisation on so many units of one kind of device, by items: looked
/// up once, read at every batch.
struct VirtualRow: Sendable {
    /// The model, its kind of device, and the units.
    var model: ModelID, kind: String, units: Int32
    /// Nanoseconds of a run alone, by items; below 0 = beyond the profile.
    var base: [Double] = [-1]
    /// How busy a batch keeps the whole device, by items.
    var utilization: [Utilization]
    /// The part of the device.
    var fraction: Double
    /// Pieces into which a run can be cut.
    var segments: Int32
    /// Instances at once for which there are measurements, ascending, without 1.
    var siblings: [Int32]
    /// Latency with so many at once / alone: `siblings.count` places per number of items.
    var stretch: [Double] = []

    /// Looks everything up; nil where nothing is known of these units.
    init?(_ model: ModelID, _ profile: DeviceProfile, units: Int32, of device: DeviceSpec) {
        guard let largest = profile.surface.largestBatch(units: units) else { return nil }
        self.model = model
        kind = device.kind
        self.units = units
        fraction = device.fraction(of: units)
        segments = profile.segments
        utilization = [profile.utilization(batch: 0)]
        var counts: [Int32] = []
        for point in profile.surface.points
        where point.instances > 1 && counts.last != point.instances {
            counts.append(point.instances)
        }
        siblings = counts
        stretch = Array(repeating: 1, count: counts.count)
        for items in 1...largest {
            let alone = profile.surface.latency(batch: items, units: units)
            base.append(alone.map { Double($0.nanoseconds) } ?? -1)
            utilization.append(profile.utilization(batch: items))
            for count in counts {
                let beside =
                    profile.surface.latency(batch: items, units: units, instances: count)
                let (longer, short) = (beside?.nanoseconds ?? 0, max(1, alone?.nanoseconds ?? 1))
                stretch.append(max(1, Double(longer) / Double(short)))
            }
        }
    }

    /// Whether the profile tells what several instances at once cost.
    var knowsSiblings: Bool { !siblings.isEmpty }

    /// The progress of a batch of `items` while `count` of its lane run, it included.
    ///
    /// Between measured numbers the next larger one counts; beyond them the cost grows in
    /// proportion.
    func progress(items: Int32, beside count: Int32) -> Double {
        guard count > 1, let last = siblings.last else { return 1 }
        let place = siblings.firstIndex { $0 >= count } ?? siblings.count - 1
        let factor = stretch[Int(items) * siblings.count + place]
        return count > last ? Double(last) / Double(count) / factor : 1 / factor
    }
}
