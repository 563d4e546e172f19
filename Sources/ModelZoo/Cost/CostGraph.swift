import ServingDomain
import WireMessages

/// The part of an ONNX graph that costs depend on: operations and shapes, no weights.
///
/// Shapes are those of one item: the batch dimension, first in every activation, is left out.
struct CostGraph {
    /// The operations, in an order that can be executed.
    let nodes: [Onnx_NodeProto]
    /// The shapes of all constants, whole, by name.
    private(set) var constants: [String: [Int]] = [:]
    /// The values of the INT64 constants, by name.
    private(set) var integers: [String: [Int64]] = [:]
    /// The shapes of inputs for one item, by name.
    private(set) var inputs: [String: [Int]] = [:]
    /// Bytes of one item's inputs.
    private(set) var inputBytes = 0

    /// A network of ours, before it is written.
    init(_ graph: NetworkGraph) {
        nodes = graph.nodes
        for constant in graph.constants {
            constants[constant.name] = constant.dims
            if case .integers(let values) = constant.content { integers[constant.name] = values }
        }
        inputs[graph.input.name] = graph.input.dims
        inputBytes = graph.input.elements * (graph.inputType.size ?? 4)
    }

    /// A graph as it stands in a file.
    init(_ graph: Onnx_GraphProto) throws(CostError) {
        nodes = graph.node
        for tensor in graph.initializer { note(tensor, named: tensor.name) }
        for node in graph.node where node.opType == "Constant" {
            guard let value = node.attribute.first(where: { $0.name == "value" }) else { continue }
            note(value.t, named: node.output.first ?? "")
        }
        for input in graph.input where constants[input.name] == nil {
            let tensor = input.type.tensorType
            let dims = tensor.shape.dim.dropFirst().map { Int($0.dimValue) }
            guard dims.allSatisfy({ $0 > 0 }) else {
                throw CostError(
                    "input '\(input.name)' has free dimensions beside the batch; costs can only be "
                        + "counted for fixed ones"
                )
            }
            inputs[input.name] = dims
            inputBytes += dims.reduce(1, *) * (tensor.elemType == 7 ? 8 : 4)
        }
    }

    private mutating func note(_ tensor: Onnx_TensorProto, named name: String) {
        constants[name] = tensor.dims.map { Int($0) }
        guard tensor.dataType == 7, tensor.dims.count <= 1 else { return }
        if !tensor.int64Data.isEmpty {
            integers[name] = tensor.int64Data
        } else if tensor.rawData.count % 8 == 0 {
            let bytes = [UInt8](tensor.rawData)
            integers[name] = stride(from: 0, to: bytes.count, by: 8).map { place in
                var bits: UInt64 = 0
                for (shift, byte) in bytes[place..<place + 8].enumerated() {
                    bits |= UInt64(byte) << UInt64(8 * shift)
                }
                return Int64(bitPattern: bits)
            }
        }
    }
}

extension Onnx_NodeProto {
    /// The numbers of an attribute; nil where the node has none of this name.
    func numbers(_ name: String) -> [Int]? {
        attribute.first { $0.name == name }.map { $0.ints.map { Int($0) } }
    }

    /// The number of an attribute; nil where the node has none of this name.
    func number(_ name: String) -> Int? {
        attribute.first { $0.name == name && $0.hasI }.map { Int($0.i) }
    }
}
