public import Planning
public import ServingDomain
public import VirtualDevices
import Workloads

/// Co-runs on a virtual device, as gpu-lets measured them on a real one: pairs of networks side
/// by side, each on its part, slowdown against running there alone.
public struct CoRunStudy: Sendable {
    /// The networks, by `ModelID`.
    public let networks: [String]
    /// What they are like on the device.
    public let profiles: [DeviceProfile]
    /// The device.
    public let device: DeviceSpec
    /// What really happens.
    public let truth: SaturatingContention
    /// The seed that pairs are drawn from.
    public let seed: UInt64

    /// The batches that pairs are drawn from (gpu-lets' profile has them).
    public static let batches: [Int32] = [1, 2, 4, 8, 16, 32]

    /// Sets up a study of gpu-lets' nine networks on its device.
    ///
    /// - Parameter seed: Of the quirks and of the pairs.
    /// - Throws: `PlanError` where the preset is missing, which it is not.
    public init(
        preset kind: String = "rtx-2080ti",
        networks: [String] = GpuletsModel.all.map(\.name),
        knobs: PresetKnobs = PresetKnobs(),
        seed: UInt64
    ) throws(PlanError) {
        let preset = try DevicePreset.named(kind)
        self.networks = networks
        profiles = try preset.profiles(of: networks, knobs: knobs)
        device = preset.device
        truth = SaturatingContention(models: networks, seed: seed, strength: knobs.contention)
        self.seed = seed
    }

    /// Draws pairs on complementary parts of the device; each gives two points.
    ///
    /// - Parameter pairs: gpu-lets measured 1,250.
    public func pairs(_ pairs: Int = 1_250) -> [CoRun] {
        var generator = SeededGenerator(seed: seed)
        let parts = device.shares.filter { $0 < device.units }
        var runs: [CoRun] = []
        for _ in 0..<pairs {
            let units = parts.isEmpty ? device.units / 2 : pick(parts, &generator)
            let one = load(units, &generator)
            let other = load(device.units - units, &generator)
            runs.append(run(one, [other]))
            runs.append(run(other, [one]))
        }
        return runs
    }

    /// Draws groups of `count` networks on equal parts; each gives `count` points.
    public func groups(_ groups: Int, of count: Int32) -> [CoRun] {
        precondition(count >= 2 && count <= device.units)
        var generator = SeededGenerator(seed: seed &+ UInt64(count))
        var runs: [CoRun] = []
        for _ in 0..<groups {
            let loads = (0..<count).map { _ in load(device.units / count, &generator) }
            for place in loads.indices {
                var others = loads
                others.remove(at: place)
                runs.append(run(loads[place], others))
            }
        }
        return runs
    }

    private func run(_ victim: ContentionLoad, _ others: [ContentionLoad]) -> CoRun {
        CoRun(
            victim: victim,
            others: others,
            slowdown: truth.slowdown(of: victim, beside: others)
        )
    }

    private func load(_ units: Int32, _ generator: inout SeededGenerator) -> ContentionLoad {
        let model = Int(generator.next(upperBound: UInt64(networks.count)))
        let batch = pick(Self.batches, &generator)
        return ContentionLoad(
            model: ModelID(Int32(model)),
            batch: batch,
            utilization: profiles[model].utilization(batch: batch),
            fraction: device.fraction(of: units)
        )
    }

    private func pick(_ values: [Int32], _ generator: inout SeededGenerator) -> Int32 {
        values[Int(generator.next(upperBound: UInt64(values.count)))]
    }
}
