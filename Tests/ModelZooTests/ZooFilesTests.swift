import Foundation
import ModelZoo
import SwiftProtobuf
import Testing
import WireMessages

/// The files that the zoo writes.
@Suite struct ZooFilesTests {
    /// Proves that a seed gives the same bytes in every process and on every machine: the digests
    /// are fixed. They change only where networks or weights change on purpose.
    @Test func bytesAreDeterministic() throws {
        let tiny = try Zoo.build("tiny", seed: 1).serialized()
        let lenet = try Zoo.build("lenet", seed: 1).serialized()
        #expect(Self.digest(tiny) == 2_450_784_765_565_367_471)
        #expect(Self.digest(lenet) == 16_376_317_413_505_038_712)
        #expect(try Zoo.build("lenet", seed: 1).serialized() == lenet)
        #expect(try Zoo.build("lenet", seed: 2).serialized() != lenet)
    }

    /// Proves that what is written part by part is one well-formed message with free batch.
    @Test func filesAreWellFormed() throws {
        let model = try Zoo.build("lenet")
        let message = try Onnx_ModelProto(serializedBytes: model.serialized())
        #expect(message.irVersion == 8)
        #expect(message.opsetImport.map(\.version) == [17])
        let graph = message.graph
        #expect(graph.input.map(\.name) == ["x"])
        #expect(graph.output.map(\.name) == ["y"])
        #expect(graph.input[0].type.tensorType.shape.dim[0].dimParam == "batch")
        #expect(graph.output[0].type.tensorType.shape.dim.map(\.dimValue) == [0, 10])
        #expect(graph.node.count == model.layers.count)
        #expect(graph.initializer.count == 10)
        for tensor in graph.initializer {
            #expect(tensor.rawData.count == 4 * Int(tensor.dims.reduce(1, *)), "\(tensor.name)")
        }
    }

    /// Proves that weights are He-scaled: mean 0, variance 2 / fan-in before a ReLU, none far out.
    @Test func weightsAreHeScaled() throws {
        let message = try Onnx_ModelProto(serializedBytes: Zoo.build("lenet").serialized())
        let tensor = try #require(message.graph.initializer.first { $0.name == "fc1.weight" })
        let values = tensor.rawData.withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count, by: 4).map {
                Double(bytes.loadUnaligned(fromByteOffset: $0, as: Float.self))
            }
        }
        let mean = values.reduce(0, +) / Double(values.count)
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
        #expect(values.count == 48_000)
        #expect(abs(mean) < 0.001)
        #expect(abs(variance * 400 - 2) < 0.05)
        #expect((values.max() ?? 9) < 3.47 * (2.0 / 400).squareRoot())
        // No value stands out by how often it is drawn.
        #expect(Set(values).count > 40_000)
    }

    /// Proves that a tensor larger than what is drawn at a time (2^18 values) goes on where the
    /// last part stopped instead of starting anew, and has all its values.
    @Test func largeTensorsAreOneStream() throws {
        let message = try Onnx_ModelProto(serializedBytes: Zoo.build("squeezenet").serialized())
        let tensor = try #require(message.graph.initializer.first { $0.name == "conv10.weight" })
        let bytes = tensor.rawData
        #expect(tensor.dims == [1000, 512, 1, 1] && bytes.count == 4 * 512_000)
        let part = 4 << 18
        let start = bytes.startIndex
        #expect(bytes[start..<start + 64] != bytes[start + part..<start + part + 64])
        #expect(bytes.suffix(64) != Data(count: 64))
    }

    /// Proves that a model folder has Triton's layout, that writing again replaces it, and that no
    /// draft is left.
    @Test func foldersHaveTritonsLayout() throws {
        let folder = FileManager.default.temporaryDirectory.path + "/zoo-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for seed in [1, 2] as [UInt64] {
            let model = try Zoo.build("tiny", seed: seed)
            #expect(try model.write(to: folder) == "\(folder)/tiny")
            let file = FileManager.default.contents(atPath: "\(folder)/tiny/1/model.onnx")
            #expect(file.map(Array.init) == (try model.serialized()))
            let config = FileManager.default.contents(atPath: "\(folder)/tiny/config.pbtxt")
            #expect(config == Data(model.config.utf8))
        }
        let names = try FileManager.default.subpathsOfDirectory(atPath: folder).sorted()
        #expect(names == ["tiny", "tiny/1", "tiny/1/model.onnx", "tiny/config.pbtxt"])
    }

    /// Proves that the config says what the file holds.
    @Test func configsDescribeTheFile() throws {
        let config = try Zoo.build("ssd-mobilenet_v1").config
        #expect(config.contains("name: \"ssd-mobilenet_v1\""))
        #expect(config.contains("max_batch_size: 8"))
        #expect(config.contains("dims: [ 3, 300, 300 ]"))
        #expect(config.contains("dims: [ 1917, 95 ]"))
        #expect(config.contains("dynamic_batching"))
        #expect(try Zoo.build("bert-base").config.contains("TYPE_INT64"))
    }

    /// Proves that a folder that can't be made gives one clear line and leaves nothing.
    @Test func unwritableFoldersAreRefused() throws {
        let folder = FileManager.default.temporaryDirectory.path + "/zoo-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Data("in the way".utf8).write(to: URL(fileURLWithPath: folder))
        let error = #expect(throws: ZooError.self) { try Zoo.build("tiny").write(to: folder) }
        let text = error?.description ?? ""
        #expect(text.contains(folder) && text.contains("choose another folder"))
        #expect(!text.contains("\n"))
    }

    /// FNV-1a, 64 bits.
    private static func digest(_ bytes: [UInt8]) -> UInt64 {
        bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }
}
