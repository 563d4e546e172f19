/// What one kind of operation of a network costs, for each item and each run.
///
/// Bytes count FP32 values; a device that computes in half precision moves half of them.
public struct KernelCost: Hashable, Sendable {
    /// The kinds of operation that devices run at different rates.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        /// A dense convolution.
        case conv
        /// A dense 3 x 3 convolution of stride 1, which Winograd's method shortens
        /// (Lavin and Gray, CVPR 2016).
        case conv3x3
        /// A convolution that keeps its channels apart.
        case depthwise
        /// A product with a matrix of weights.
        case matmul
        /// A product of two activations.
        case attend
        /// One value in, one out, from one or two tensors: activations, sums.
        case elementwise
        /// Normalisations over channels, rows or batches, and softmax.
        case normalise
        /// Pooling.
        case pool
        /// Values that move without change: concatenation, transposition, look-up.
        case copy
    }

    /// What it is.
    public var kind: Kind
    /// How often the network runs it.
    public var count: Int32
    /// Whether a bias or a batch normalisation belongs to it. An engine that folds gets it for
    /// nothing; one that runs operation by operation pays for one more pass over the output.
    public var isShifted: Bool
    /// Floating-point operations of one item: 2 for each multiply-accumulate step of
    /// convolutions and matrix products, 0 for the rest.
    public var flops: Int64
    /// Bytes of weights, read once in a run whatever the batch.
    public var weightBytes: Int64
    /// Bytes of activations that one item reads.
    public var readBytes: Int64
    /// Bytes of activations that one item writes.
    public var writeBytes: Int64

    /// Creates a cost.
    public init(
        _ kind: Kind,
        count: Int32 = 1,
        isShifted: Bool = false,
        flops: Int64 = 0,
        weightBytes: Int64 = 0,
        readBytes: Int64,
        writeBytes: Int64
    ) {
        precondition(count >= 1 && flops >= 0 && weightBytes >= 0)
        precondition(readBytes >= 0 && writeBytes > 0)
        self.kind = kind
        self.count = count
        self.isShifted = isShifted
        self.flops = flops
        self.weightBytes = weightBytes
        self.readBytes = readBytes
        self.writeBytes = writeBytes
    }
}
