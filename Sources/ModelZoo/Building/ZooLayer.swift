/// One layer of a zoo network: what it gives, holds and costs.
public struct ZooLayer: Hashable, Sendable {
    /// The layer's name, which is also that of its operation in the model file.
    public let name: String
    /// The ONNX operation, such as `Conv`.
    public let operation: String
    /// The shape that comes out, for one item.
    public let dims: [Int]
    /// Trainable values as publications count them: weights, biases, and two for every channel
    /// that is batch-normalised, also where the normalisation is folded into the weights.
    public let parameters: Int
    /// Multiply-accumulate steps for one item; convolutions and matrix products only.
    public let multiplyAdds: Int
}
