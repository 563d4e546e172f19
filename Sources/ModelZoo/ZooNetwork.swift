public import ServingDomain

/// One network that the zoo can build: what it is and what it costs.
public struct ZooNetwork: Sendable {
    /// The network's name, which is also that of its model folder.
    public let name: String
    /// What it is, in a line: origin, form, input.
    public let summary: String
    /// The one input, `x`; its shape is that of one item.
    public let input: TensorSpec
    /// The one output, `y`, always FP32.
    public let output: TensorSpec
    /// Trainable values, counted as the publications do: two for each batch-normalised channel,
    /// also where the normalisation is folded into the weights.
    public let parameters: Int
    /// Floating-point operations for one item: 2 for each multiply-accumulate step of the
    /// convolutions and matrix products. Biases, activations and pooling don't count.
    public let flops: Int
    /// The bytes of all tensors in the model file.
    public let weightBytes: Int
    /// `max_batch_size` of the config that is written beside the file.
    public let batchLimit: Int

    let make: @Sendable () -> NetworkGraph

    init(
        _ name: String,
        _ summary: String,
        batchLimit: Int = 8,
        _ make: @escaping @Sendable () -> NetworkGraph
    ) {
        let graph = make()
        self.name = name
        self.summary = summary
        self.batchLimit = batchLimit
        self.make = make
        input = TensorSpec(
            name: graph.input.name,
            type: graph.inputType,
            dims: graph.input.dims.map(Int64.init)
        )
        output = TensorSpec(
            name: graph.output.name,
            type: .fp32,
            dims: graph.output.dims.map(Int64.init)
        )
        parameters = graph.parameters
        flops = 2 * graph.multiplyAdds
        weightBytes = graph.weightBytes
    }
}
