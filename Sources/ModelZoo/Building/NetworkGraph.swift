import ServingDomain
import WireMessages

/// A whole network: its operations, the tensors it carries, and what each layer costs. Random
/// tensors are described, not drawn, so even the largest network takes a few hundred kB here.
struct NetworkGraph: Sendable {
    /// What goes in. Its name in the file is `x`.
    let input: Feature
    /// The element type of the input.
    let inputType: DataType
    /// What comes out, always FP32. Its name in the file is `y`.
    let output: Feature
    /// The operations, in an order that can be executed.
    let nodes: [Onnx_NodeProto]
    /// The tensors that the file carries.
    let constants: [Constant]
    /// The layers in the order of the operations.
    let layers: [ZooLayer]

    /// Trainable values, counted as publications do.
    var parameters: Int { layers.reduce(0) { $0 + $1.parameters } }

    /// Multiply-accumulate steps for one item.
    var multiplyAdds: Int { layers.reduce(0) { $0 + $1.multiplyAdds } }

    /// The bytes of all tensors in the file.
    var weightBytes: Int { constants.reduce(0) { $0 + $1.byteCount } }
}
