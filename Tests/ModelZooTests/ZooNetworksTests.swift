import ModelZoo
import ServingDomain
import Testing

/// What the zoo's networks are made of, held against what was published about them.
@Suite struct ZooNetworksTests {
    /// A network's published size: trainable values and, in millions, multiply-accumulate steps.
    struct Published: Sendable, CustomTestStringConvertible {
        let name: String
        let parameters: Int
        let millionMACs: Double
        /// How far the figures may be off: half of the last digit that was printed, or what the
        /// note beside the figure says.
        var parameterTolerance = 0.0
        let macTolerance: Double

        var testDescription: String { name }
    }

    /// Sources:
    /// - torchvision: `num_params` and `_ops` (in 10^9 MACs, three decimals) of each model's
    ///   weights entry, torchvision 0.15 and later.
    /// - MobileNet v1: Howard et al. 2017, table 6 (569, 149 and 41 million mult-adds; 4.2, 1.3
    ///   and 0.5 million parameters). 4,231,976 is what Keras' MobileNet prints as trainable.
    /// - SSD: Howard et al. 2017, table 13 (6.8 million parameters, 1.2 billion mult-adds).
    /// - LeNet-5: with full connections in the second convolution 61,706 parameters and
    ///   416,520 MACs (LeCun et al. 1998 have 60,000 with sparse ones).
    /// - BERT: Hugging Face's `BertModel` for bert-base-uncased has 109,482,240 parameters.
    ///   MACs by hand: 14 x 12 x (4 x 768^2 + 2 x 768 x 3072) for the projections,
    ///   12 x 2 x 14^2 x 768 for attention, 768^2 for the pooler.
    static let published = [
        Published(name: "tiny", parameters: 272, millionMACs: 0.000_256, macTolerance: 0),
        Published(name: "lenet", parameters: 61_706, millionMACs: 0.416_52, macTolerance: 0),
        Published(name: "squeezenet", parameters: 1_235_496, millionMACs: 349, macTolerance: 0.5),
        Published(
            name: "mobilenet_v1",
            parameters: 4_231_976,
            millionMACs: 569,
            macTolerance: 0.5
        ),
        Published(
            name: "mobilenet_v1_050",
            parameters: 1_300_000,
            millionMACs: 149,
            parameterTolerance: 50_000,
            macTolerance: 0.5
        ),
        Published(
            name: "mobilenet_v1_025",
            parameters: 500_000,
            millionMACs: 41,
            parameterTolerance: 50_000,
            macTolerance: 0.5
        ),
        Published(
            name: "mobilenet_v2",
            parameters: 3_504_872,
            millionMACs: 301,
            macTolerance: 0.5
        ),
        Published(name: "mnasnet1_0", parameters: 4_383_312, millionMACs: 314, macTolerance: 0.5),
        Published(name: "googlenet", parameters: 6_624_904, millionMACs: 1498, macTolerance: 0.5),
        Published(
            name: "ssd-mobilenet_v1",
            parameters: 6_800_000,
            millionMACs: 1200,
            parameterTolerance: 50_000,
            macTolerance: 50
        ),
        Published(
            // torchvision prints 27,161,264 with the auxiliary classifier, which only training
            // uses: 768 x 128 + 256, then 128 x 25 x 768 + 1,536, then 768 x 1,000 + 1,000.
            name: "inception_v3",
            parameters: 27_161_264 - 98_560 - 2_459_136 - 769_000,
            millionMACs: 5713,
            macTolerance: 0.5
        ),
        Published(name: "resnet50", parameters: 25_557_032, millionMACs: 4089, macTolerance: 0.5),
        Published(
            name: "densenet161",
            parameters: 28_681_000,
            millionMACs: 7728,
            macTolerance: 0.5
        ),
        Published(
            name: "bert-base",
            parameters: 109_482_240,
            millionMACs: Double(
                14 * 12 * (4 * 768 * 768 + 2 * 768 * 3072) + 12 * 2 * 14 * 14 * 768 + 768 * 768
            ) / 1e6,
            macTolerance: 0
        ),
        Published(name: "vgg16", parameters: 138_357_544, millionMACs: 15_470, macTolerance: 5),
    ]

    /// Proves that each network has as many parameters as were published for it.
    @Test(arguments: published) func parametersArePublishedOnes(_ expected: Published) throws {
        let network = try Zoo.network(expected.name)
        let difference = abs(network.parameters - expected.parameters)
        #expect(
            Double(difference) <= expected.parameterTolerance,
            "\(network.parameters) instead of \(expected.parameters)"
        )
    }

    /// Proves that each network costs as many operations as were published, 2 for each MAC.
    @Test(arguments: published) func operationsArePublishedOnes(_ expected: Published) throws {
        let network = try Zoo.network(expected.name)
        let millions = Double(network.flops) / 2e6
        #expect(
            abs(millions - expected.millionMACs) <= expected.macTolerance + 1e-9,
            "\(millions) instead of \(expected.millionMACs)"
        )
    }

    /// Proves that no network lacks published figures, and that names are unique.
    @Test func everyNetworkIsHeldAgainstFigures() {
        #expect(Zoo.networks.map(\.name).sorted() == Self.published.map(\.name).sorted())
        #expect(Set(Zoo.networks.map(\.name)).count == Zoo.networks.count)
    }

    /// Proves that the totals are those of the layers, and that the file's tensors stand in the
    /// proportion that folding allows: a folded channel has one bias for two parameters.
    @Test func totalsAreSumsOfLayers() throws {
        for network in Zoo.networks {
            let model = try Zoo.build(network.name)
            #expect(model.layers.reduce(0) { $0 + $1.parameters } == network.parameters)
            #expect(model.layers.reduce(0) { $0 + 2 * $1.multiplyAdds } == network.flops)
            let values = Double(network.weightBytes) / 4
            #expect(abs(values / Double(network.parameters) - 1) < 0.03, "\(network.name)")
        }
    }

    /// Proves that every network takes `x` and gives `y`, in the shapes that clients expect.
    @Test func inputsAndOutputsAreThoseOfTheOriginals() throws {
        let shapes: [String: ([Int64], [Int64])] = [
            "tiny": ([16], [16]), "lenet": ([1, 28, 28], [10]),
            "inception_v3": ([3, 299, 299], [1000]), "bert-base": ([14], [768]),
            "ssd-mobilenet_v1": ([3, 300, 300], [1917, 95]),
        ]
        for network in Zoo.networks {
            let expected = shapes[network.name] ?? ([3, 224, 224], [1000])
            #expect(network.input.name == "x" && network.output.name == "y")
            #expect(network.input.dims == expected.0, "\(network.name)")
            #expect(network.output.dims == expected.1, "\(network.name)")
            #expect(network.input.type == (network.name == "bert-base" ? .int64 : .fp32))
            #expect(network.output.type == .fp32)
        }
    }

    /// Proves that the stages of each network end in the shapes of the papers' tables.
    @Test(arguments: [
        ("lenet", ["pool1": [6, 14, 14], "pool2": [16, 5, 5], "flat": [400]]),
        (
            "squeezenet",
            ["conv1": [64, 111, 111], "fire5": [256, 27, 27], "fire9": [512, 13, 13]]
        ),
        ("mobilenet_v1", ["block5.pointwise": [256, 28, 28], "block13.pointwise": [1024, 7, 7]]),
        ("mobilenet_v1_025", ["conv0": [8, 112, 112], "block13.pointwise": [256, 7, 7]]),
        ("mobilenet_v2", ["stage2.1.add": [24, 56, 56], "stage7.0.narrow": [320, 7, 7]]),
        ("mnasnet1_0", ["stage1.2.add": [24, 56, 56], "stage6.0.narrow": [320, 7, 7]]),
        ("googlenet", ["3b": [480, 28, 28], "4e": [832, 14, 14], "5b": [1024, 7, 7]]),
        ("inception_v3", ["5d": [288, 35, 35], "6e": [768, 17, 17], "7c": [2048, 8, 8]]),
        ("resnet50", ["layer1.2.add": [256, 56, 56], "layer4.2.add": [2048, 7, 7]]),
        (
            "ssd-mobilenet_v1",
            ["block11.pointwise": [512, 19, 19], "extra4": [128, 1, 1], "boxes": [1917, 4]]
        ),
        ("densenet161", ["transition1.pool": [192, 28, 28], "block4.24": [2208, 7, 7]]),
        ("vgg16", ["pool1": [64, 112, 112], "pool5": [512, 7, 7], "fc7": [4096]]),
        ("bert-base", ["embedded": [14, 768], "layer11.norm2": [14, 768]]),
    ]) func stagesEndInPublishedShapes(name: String, stages: [String: [Int]]) throws {
        let model = try Zoo.build(name)
        for (stage, dims) in stages {
            let layer = model.layers.first { $0.name == stage }
            #expect(layer?.dims == dims, "\(name) \(stage)")
        }
    }

    /// Proves that a misspelt name is refused with the nearest known one.
    @Test(arguments: [
        ("resnet-50", "resnet50"), ("ResNet50", "resnet50"),
        ("mobilenet_v1_25", "mobilenet_v1_025"),
        ("bert", "bert-base"), ("vgg", "vgg16"), ("", "tiny"),
    ]) func unknownNamesAreRefused(wrong: String, nearest: String) {
        #expect(throws: ZooError.unknownNetwork(wrong, nearest: nearest)) { try Zoo.build(wrong) }
        let text = ZooError.unknownNetwork(wrong, nearest: nearest).description
        #expect(text.contains("'\(nearest)'") && !text.contains("\n"))
    }
}
