import ServingDomain

/// What is to be measured of a device and some models, the most useful first.
///
/// A run that is cut short leaves whole surfaces and even splits rather than parts of all.
public struct MeasurementGrid: Sendable {
    /// One model in a group.
    public struct Seat: Hashable, Sendable {
        /// The model's place among the subjects.
        public var subject: Int
        /// Items in each batch.
        public var batch: Int32
        /// How many units it has.
        public var units: Int32
    }

    /// One measurement; each is written as soon as it is done.
    public enum Part: Hashable, Sendable {
        /// What making, changing and giving back gpulets costs.
        case gpulets
        /// Copies by size and direction.
        case copies
        /// A model alone, over batches and shares, and how long it takes to start.
        case surface(Int)
        /// Models side by side.
        case together([Seat])
    }

    /// Which groups are measured.
    public enum Groups: Int, Comparable, Sendable {
        /// None.
        case none
        /// Every two models.
        case pairs
        /// Every two, then every three.
        case triples

        public static func < (left: Groups, right: Groups) -> Bool {
            left.rawValue < right.rawValue
        }
    }

    /// The batches that are combined, as far as the models take them.
    public static let batches: [Int32] = [1, 8]

    /// The parts in their order.
    public let parts: [Part]

    /// Plans the measurements of models with these batch limits.
    public init(limits: [Int32], on device: ProfiledDevice, groups: Groups) {
        var parts: [Part] = [.gpulets, .copies]
        parts += limits.indices.map { .surface($0) }
        if groups >= .pairs {
            for split in Self.pairSplits(device.spec) {
                parts += Self.pairs(limits, split)
            }
        }
        if groups == .triples, let split = Self.tripleSplit(device.spec) {
            parts += Self.triples(limits, split)
        }
        self.parts = parts
    }

    /// Shares of two: halves, a quarter and the rest, and both everywhere.
    static func pairSplits(_ spec: DeviceSpec) -> [[Int32]] {
        let half = part(spec, 2)
        let quarter = part(spec, 4)
        let splits = [[half, half], [quarter, spec.units - quarter], [spec.units, spec.units]]
        let allowed = Set(spec.allowedUnits)
        var seen: Set<[Int32]> = []
        return splits.filter { split in
            split.allSatisfy(allowed.contains) && seen.insert(split).inserted
        }
    }

    /// A third for each of three; nil where there are too few units.
    static func tripleSplit(_ spec: DeviceSpec) -> [Int32]? {
        let third = part(spec, 3)
        return third > 0 ? [third, third, third] : nil
    }

    /// The largest share that so many can have at once; 0 where none is small enough.
    private static func part(_ spec: DeviceSpec, _ count: Int32) -> Int32 {
        spec.allowedUnits.last { $0 <= spec.units / count } ?? 0
    }

    private static func pairs(_ limits: [Int32], _ split: [Int32]) -> [Part] {
        let sides = limits.enumerated().flatMap { subject, limit in
            batches.filter { $0 <= limit }.map { (subject: subject, batch: $0) }
        }
        var parts: [Part] = []
        for (place, one) in sides.enumerated() {
            // On equal shares a pair and its mirror image are one measurement, else they are two.
            for other in split[0] == split[1] ? sides[place...] : sides[...] {
                parts.append(
                    .together([
                        Seat(subject: one.subject, batch: one.batch, units: split[0]),
                        Seat(subject: other.subject, batch: other.batch, units: split[1]),
                    ])
                )
            }
        }
        return parts
    }

    private static func triples(_ limits: [Int32], _ split: [Int32]) -> [Part] {
        let batch = limits.map { limit in batches.last { $0 <= limit } ?? 1 }
        var parts: [Part] = []
        for one in limits.indices {
            for two in limits.indices[one...] {
                for three in limits.indices[two...] {
                    let seats = zip([one, two, three], split).map { subject, units in
                        Seat(subject: subject, batch: batch[subject], units: units)
                    }
                    parts.append(.together(seats))
                }
            }
        }
        return parts
    }
}
