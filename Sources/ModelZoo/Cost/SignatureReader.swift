public import ServingDomain
import SwiftProtobuf
import WireMessages

/// Reads the tensors that an ONNX file declares, without an engine.
public enum SignatureReader {
    /// The tensors of a model file; batched when every first dimension is free.
    ///
    /// - Throws: `CostError` where the bytes are no model, or a tensor has a type that the
    ///   protocol does not know.
    public static func signature(
        ofModel bytes: [UInt8],
        named name: String
    ) throws(CostError) -> ModelSignature {
        let graph: Onnx_GraphProto
        do {
            graph = try Onnx_ModelProto(serializedBytes: bytes).graph
        } catch {
            throw CostError("'\(name)' is no ONNX model; check the file")
        }
        let constants = Set(graph.initializer.map(\.name))
        let inputs = graph.input.filter { !constants.contains($0.name) }
        let all = inputs + graph.output
        let batched = !all.isEmpty && all.allSatisfy { $0.leads }
        return ModelSignature(
            inputs: try tensors(inputs, batched, name),
            outputs: try tensors(graph.output, batched, name),
            batched: batched
        )
    }

    private static func tensors(
        _ values: [Onnx_ValueInfoProto],
        _ batched: Bool,
        _ name: String
    ) throws(CostError) -> [TensorSpec] {
        var specs: [TensorSpec] = []
        for value in values {
            guard let type = type(value.type.tensorType.elemType) else {
                throw CostError(
                    "'\(name)': tensor '\(value.name)' has ONNX element type "
                        + "\(value.type.tensorType.elemType), which the protocol does not know"
                )
            }
            let dims = value.type.tensorType.shape.dim.map { $0.dimValue > 0 ? $0.dimValue : -1 }
            specs.append(
                TensorSpec(
                    name: value.name,
                    type: type,
                    dims: Array(dims.dropFirst(batched ? 1 : 0))
                )
            )
        }
        return specs
    }

    /// ONNX's numbers of element types (onnx.proto, TensorProto.DataType).
    private static func type(_ number: Int32) -> DataType? {
        switch number {
        case 1: .fp32
        case 2: .uint8
        case 3: .int8
        case 4: .uint16
        case 5: .int16
        case 6: .int32
        case 7: .int64
        case 8: .bytes
        case 9: .bool
        case 10: .fp16
        case 11: .fp64
        case 12: .uint32
        case 13: .uint64
        case 16: .bf16
        default: nil
        }
    }
}

extension Onnx_ValueInfoProto {
    /// Whether its first dimension is free.
    fileprivate var leads: Bool {
        type.tensorType.shape.dim.first.map { $0.dimValue <= 0 } ?? false
    }
}
