import ServingDomain
import Testing

@testable import Planning

/// The committed tables of what networks cost.
@Suite struct CostTableTests {
    @Test("Every table can be read, has a name of its own, and adds up to something plausible")
    func tables() {
        var names: Set<String> = []
        for network in NetworkCost.known {
            #expect(names.insert(network.name).inserted, "\(network.name) is there twice")
            #expect(network.flops > 0 && network.operations > 0 && network.storedBytes > 0)
            let weights = network.kernels.reduce(0) { $0 + Int64($1.count) * $1.weightBytes }
            #expect(weights <= network.storedBytes, "\(network.name) reads more than it holds")
        }
        #expect(names.count == 23)
    }

    @Test(
        "Multiply-accumulate steps are those that were published, in millions",
        arguments: [
            // torchvision's `_ops`, rounded to a million.
            ("resnet50", 4_089), ("resnet152", 11_514), ("vgg19", 19_632), ("densenet201", 4_291),
            ("vit-b16", 17_564), ("convnext-b", 15_355), ("googlenet", 1_498),
        ]
    )
    func published(name: String, millions: Int64) throws {
        let network = try #require(NetworkCost.named(name))
        #expect((network.flops / 2 + 500_000) / 1_000_000 == millions)
    }

    @Test("The papers' names find the zoo's tables, unknown ones nothing")
    func names() {
        #expect(NetworkCost.named("bert")?.name == "bert-base")
        #expect(NetworkCost.named("lenet6")?.name == "lenet")
        #expect(NetworkCost.named("ssd-mobilenet_v1")?.name == "ssd-mobilenetv1")
        #expect(NetworkCost.named("lenet7") == nil)
    }
}
