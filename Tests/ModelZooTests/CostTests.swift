import Planning
import ServingDomain
import SwiftProtobuf
import Testing
import WireMessages

@testable import ModelZoo

/// The committed tables of costs, counted a second time from the zoo's graphs.
@Suite struct CostTests {
    @Test(
        "Table and graph agree operation by operation for every network of the zoo",
        arguments: Zoo.networks.map(\.name)
    )
    func tableAndGraph(name: String) throws {
        let network = try Zoo.network(name)
        let counted = try network.cost()
        var table = try #require(NetworkCost.named(name))
        // Whether a bias was a normalisation can't be seen in a graph.
        for place in table.kernels.indices { table.kernels[place].isShifted = false }
        let wanted = table.gathered()
        #expect(Set(counted.kernels) == Set(wanted.kernels))
        #expect(counted.operations == wanted.operations)
        #expect(Int(counted.flops) == network.flops)
        #expect(counted.inputBytes == wanted.inputBytes)
        #expect(counted.outputBytes == wanted.outputBytes)
        // Single numbers that activations carry are not in the tables.
        #expect(abs(counted.storedBytes - wanted.storedBytes) <= 16)
    }

    @Test("A written file is counted like the graph that it was written from")
    func file() throws {
        let bytes = try Zoo.build("lenet").serialized()
        let counted = try CostReader.cost(ofModel: bytes, named: "lenet")
        #expect(counted == (try Zoo.network("lenet").cost()))
    }

    @Test("What is no model, or has unknown operations or free dimensions, is refused in a line")
    func mistakes() throws {
        #expect(throws: CostError.self) { try CostReader.cost(ofModel: [1, 2, 3], named: "x") }
        var model = Onnx_ModelProto()
        model.graph.input = [
            .with {
                $0.name = "x"
                $0.type.tensorType.shape.dim = [
                    .with { $0.dimParam = "n" }, .with { $0.dimValue = 4 },
                ]
            }
        ]
        model.graph.node = [
            .with {
                $0.opType = "Einsum"
                $0.name = "odd"
                $0.input = ["x"]
                $0.output = ["y"]
            }
        ]
        let bytes: [UInt8] = try model.serializedBytes()
        let unknown = #expect(throws: CostError.self) {
            try CostReader.cost(ofModel: bytes, named: "x")
        }
        #expect(unknown?.description.contains("'odd' (Einsum)") == true)
        model.graph.input[0].type.tensorType.shape.dim[1] = .with { $0.dimParam = "m" }
        let free: [UInt8] = try model.serializedBytes()
        let freed = #expect(throws: CostError.self) {
            try CostReader.cost(ofModel: free, named: "x")
        }
        #expect(freed?.description.contains("free dimensions") == true)
    }
}
