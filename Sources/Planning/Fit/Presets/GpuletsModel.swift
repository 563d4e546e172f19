import ServingDomain

/// What gpu-lets published about one of its nine networks (its released code and data; notes,
/// sections 2.4, 5.1 and 7). LeNet stands for its six copies.
public struct GpuletsModel: Hashable, Sendable {
    /// The name that the papers and the cost tables use.
    public var name: String
    /// The objective of the ATC'22 version, in milliseconds.
    public var atcMilliseconds: Double
    /// The objective of the arXiv version (five networks), in milliseconds.
    public var arxivMilliseconds: Double?
    /// What the released scheduler reserves for it, in MB.
    public var memoryMB: Int64
    /// What the host takes to join inputs to a batch, in milliseconds: for any batch, and for
    /// each item (released code: 0.4 for LeNet, 1 for BERT; 20 at batch 31 for 224 x 224 and 52
    /// for 300 x 300).
    public var joining: (fixed: Double, perItem: Double) { (joinFixed, joinPerItem) }

    /// Per cent: L2 and memory at batch 1, then at batch 32.
    private var loads: [Double]
    private var joinFixed = 0.0
    private var joinPerItem = 0.0

    /// All nine, in the order of the papers.
    public static let all: [GpuletsModel] = [
        Self("lenet", 5, 5, 50, [2.4, 11.3, 7.0, 25.4], fixed: 0.4),
        Self("googlenet", 66, 44, 1_720, [7.4, 15.9, 24.9, 56.3], perItem: 20.0 / 31),
        Self("resnet50", 108, 95, 1_820, [15.4, 27.9, 28.2, 62.3], perItem: 20.0 / 31),
        Self("ssd-mobilenetv1", 202, 136, 640, [10.6, 20.5, 27.6, 61.2], perItem: 52.0 / 31),
        Self("vgg16", 142, 130, 2_920, [31.0, 56.0, 30.2, 61.1], perItem: 20.0 / 31),
        Self("mnasnet1_0", 62, nil, 1_550, [8.0, 20.0, 21.6, 57.6], perItem: 20.0 / 31),
        Self("mobilenet_v2", 64, nil, 464, [8.6, 21.8, 23.9, 62.3], perItem: 20.0 / 31),
        Self("densenet161", 202, nil, 1_220, [9.0, 18.3, 25.5, 60.0], perItem: 20.0 / 31),
        Self("bert-base", 22, nil, 500, [9.2, 29.0, 18.3, 34.7], fixed: 1),
    ]

    /// The model of this name (also `bert`, `lenet1`...); nil where it is none of the nine.
    public static func named(_ name: String) -> GpuletsModel? {
        guard let network = NetworkCost.named(name)?.name else { return nil }
        return all.first { $0.name == network }
    }

    private init(
        _ name: String,
        _ atc: Double,
        _ arxiv: Double?,
        _ memoryMB: Int64,
        _ loads: [Double],
        fixed: Double = 0,
        perItem: Double = 0
    ) {
        self.name = name
        atcMilliseconds = atc
        arxivMilliseconds = arxiv
        self.memoryMB = memoryMB
        self.loads = loads
        joinFixed = fixed
        joinPerItem = perItem
    }

    /// L2 and memory throughput at `batch`: the published figures at 1 and 32, linear in the
    /// logarithm of the batch between them (throughput saturates: half of the rise has happened
    /// at batch 6).
    public func load(batch: Int32) -> (l2: Double, dram: Double) {
        let part = min(1, max(0, Self.logarithm(batch) / 5))
        return (
            (loads[0] + part * (loads[2] - loads[0])) / 100,
            (loads[1] + part * (loads[3] - loads[1])) / 100
        )
    }

    /// Of base 2, linear between powers of two.
    private static func logarithm(_ batch: Int32) -> Double {
        guard batch >= 1 else { return 0 }
        let whole = Int32(31 - batch.leadingZeroBitCount)
        let power = Int32(1) << whole
        return Double(whole) + Double(batch - power) / Double(power)
    }
}
