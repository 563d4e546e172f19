import Planning
import ServingDomain
import Simulation
import VirtualDevices
import Workloads

/// The stand-in configuration of the notes on Strait, section 3.2, as simulations: six networks
/// on an L4, each once of class high and once of class low.
///
/// Each class of a network is a model of its own, so that policies without classes can be run
/// with the same requests, and their results told apart.
struct StraitWorld {
    /// The networks of the 2025 workshop paper.
    static let networks = [
        "resnet50", "yolov8n", "roberta-base", "vit-b16", "vgg19", "convnext-b",
    ]
    /// What three of them are swapped for.
    static let others = ["resnet152", "densenet201", "inception_v3"]
    /// DISB's networks.
    static let disbNetworks = [
        "resnet152", "densenet201", "vgg19", "inception_v3", "distilbert",
    ]
    static let largestBatch: Int32 = 8

    let preset: DevicePreset
    let names: [String]
    let profiles: [DeviceProfile]
    private let inputs: [Int64], outputs: [Int64]

    /// Profiles of `names` on an L4, each cut into as many segments as it has operations.
    init(_ names: [String]) throws(PlanError) {
        preset = try DevicePreset.named("l4")
        self.names = names
        var profiles = try preset.profiles(of: names)
        var (inputs, outputs): ([Int64], [Int64]) = ([], [])
        for place in names.indices {
            guard let network = NetworkCost.named(names[place]) else { continue }
            profiles[place].segments = max(1, network.operations)
            inputs.append(network.inputBytes)
            outputs.append(network.outputBytes)
        }
        self.profiles = profiles
        self.inputs = inputs
        self.outputs = outputs
    }

    /// Milliseconds of a batch of `batch` of network `place`, alone on the whole device.
    func milliseconds(_ place: Int, batch: Int32) -> Double {
        profiles[place].surface.latency(batch: batch, units: preset.device.units)?
            .inMilliseconds ?? 0
    }

    /// The same with its copies.
    func withCopies(_ place: Int, batch: Int32, inputBytes: Int64?) -> Double {
        let copy = preset.device.copy
        let bytes = (inputBytes ?? inputs[place]) * Int64(batch)
        let back = outputs[place] * Int64(batch)
        let copies = (copy?.time(bytes: bytes) ?? .zero) + (copy?.time(bytes: back) ?? .zero)
        return milliseconds(place, batch: batch) + copies.inMilliseconds
    }

    // MARK: Models

    /// The models: class high first, network by network, then class low.
    func models(_ cell: StraitCell, instances: Int32) -> [SimulatedModel] {
        PriorityClass.allCases.flatMap { priority in
            names.indices.map { place in
                let index = Int32(place + (priority == .high ? 0 : names.count))
                var spec = ModelSpec(
                    id: ModelID(index),
                    name: "\(names[place])-\(priority)",
                    maxBatch: Self.largestBatch,
                    slo: objective(place, priority, cell),
                    instances: instances,
                    profiles: [profiles[place]]
                )
                spec.inputBytes = cell.inputBytes ?? inputs[place]
                spec.outputBytes = outputs[place]
                return SimulatedModel(spec, truth: ModelTruth(of: spec, spread: 0.04))
            }
        }
    }

    /// The deadline factor times the time of a batch of 4, copies included; twice that for low.
    func objective(_ place: Int, _ priority: PriorityClass, _ cell: StraitCell) -> TimeSpan {
        let time = withCopies(place, batch: 4, inputBytes: cell.inputBytes)
        let factor = cell.deadlineFactor * (priority == .high ? 1 : 2)
        return .milliseconds(rounding: factor * time)
    }

    /// What co-runners really cost; the same pair of networks costs the same in every run.
    func truth(hasStreams: Bool) -> any TrueContention {
        let truth = SaturatingContention(models: names + names, seed: 28_175)
        return hasStreams ? StreamPriorities(truth, highModels: names.count) : truth
    }

    /// A fit to co-runs of every pair of (network, batch), as an operator would measure them.
    func pairwiseFit() -> LossContention? {
        let truth = SaturatingContention(models: names, seed: 28_175)
        var loads: [ContentionLoad] = []
        for place in names.indices {
            for batch: Int32 in [1, 2, 4, 8] {
                loads.append(
                    ContentionLoad(
                        model: ModelID(Int32(place)),
                        batch: batch,
                        utilization: profiles[place].utilization(batch: batch),
                        fraction: 1
                    )
                )
            }
        }
        let runs = loads.flatMap { victim in
            loads.map { other in
                CoRun(
                    victim: victim,
                    others: [other],
                    slowdown: truth.slowdown(of: victim, beside: [other])
                )
            }
        }
        return ContentionFit.loss(runs)
    }

    // MARK: Loads

    /// Requests per second of network `place`, both classes together: every network brings the
    /// same work.
    func rate(_ place: Int, _ cell: StraitCell, of count: Int) -> Double {
        let work = cell.load * Double(cell.devices) / Double(count)
        return work * 4_000 / milliseconds(place, batch: 4)
    }
}

/// Streams with priorities on top of a truth: class high loses less beside class low, which loses
/// more. How much is an assumption (a third less and a third more), since the hardware's rule is
/// not published.
struct StreamPriorities: TrueContention {
    private let base: SaturatingContention
    /// Models below this number are of class high, whatever level their requests name.
    private let highModels: Int
    private static let shift = 1.0 / 3

    init(_ base: SaturatingContention, highModels: Int) {
        self.base = base
        self.highModels = highModels
    }

    func progress(of stages: [RunningStage], copies: Int32, into rates: inout [Double]) {
        base.progress(of: stages, copies: copies, into: &rates)
        var highs = 0
        for place in stages.indices where isHigh(stages[place]) { highs += 1 }
        guard highs > 0, highs < stages.count else { return }
        for place in stages.indices {
            let lost = 1 - rates[place]
            let factor = isHigh(stages[place]) ? 1 - Self.shift : 1 + Self.shift
            rates[place] = max(0.1, 1 - lost * factor)
        }
    }

    private func isHigh(_ stage: RunningStage) -> Bool {
        stage.load.model.position < highModels
    }
}
