public import ServingDomain
public import VirtualDevices

/// What an emulated model looks like from outside, and how long it takes.
///
/// It computes nothing: an output repeats the bytes of an input of the same type and shape (the
/// one at the same position first, then the first that fits), and is zero where none fits. So a
/// test can tell from the bytes alone whether each client got its own rows back.
public struct EmulatedModel: Sendable {
    /// The tensors that clients see, in order.
    public var signature: ModelSignature
    /// Latency by batch and units; nil = every run ends at once.
    public var timing: VirtualModel?
    /// How it behaves on emulated devices, on an engine that has some; nil = as `timing` says.
    public var truth: ModelTruth?
    /// What the model's weights pretend to take, in MiB.
    public var weightsMiB: Int64
    /// Lets a test hold, fail and count runs.
    public var control: EmulatedControl

    /// Creates a model.
    public init(
        signature: ModelSignature,
        timing: VirtualModel? = nil,
        truth: ModelTruth? = nil,
        weightsMiB: Int64 = 0,
        control: EmulatedControl = EmulatedControl()
    ) {
        self.signature = signature
        self.timing = timing
        self.truth = truth
        self.weightsMiB = weightsMiB
        self.control = control
    }

    /// Creates a model with one input and one output of the same type and row shape.
    public init(
        input: String = "INPUT",
        output: String = "OUTPUT",
        type: DataType = .fp32,
        dims: [Int64] = [16],
        batched: Bool = true,
        timing: VirtualModel? = nil,
        control: EmulatedControl = EmulatedControl()
    ) {
        self.init(
            signature: ModelSignature(
                inputs: [TensorSpec(name: input, type: type, dims: dims)],
                outputs: [TensorSpec(name: output, type: type, dims: dims)],
                batched: batched
            ),
            timing: timing,
            control: control
        )
    }
}
