/// A request that fits its model: everything in the order of the model's signature.
public struct BoundRequest: Hashable, Sendable {
    /// The size of its batch dimension; 1 for a model without one.
    public var items: Int32
    /// By input of the signature: the dimensions of one row as the engine sees them; nil where
    /// the request does not bring it.
    public var dims: [[Int64]?]
    /// By input of the signature: where its bytes are; nil where the request does not bring it.
    public var sources: [TensorSource?]
    /// The outputs to answer, in the order of the reply.
    public var outputs: [WantedOutput]

    /// The bytes of an input; 0 where the request does not bring it.
    public func byteCount(input index: Int) -> Int {
        sources[index]?.byteCount ?? 0
    }

    /// The place in the reply of an output of the signature; nil when it is not wanted.
    public func place(output index: Int) -> Int? {
        // The usual request wants all, in the signature's order.
        if index < outputs.count, outputs[index].index == index { return index }
        return outputs.firstIndex { $0.index == index }
    }
}

/// An output to answer.
public struct WantedOutput: Hashable, Sendable {
    /// Its place in the signature.
    public var index: Int
    /// Whether it is answered as binary data; always over gRPC.
    public var isBinary: Bool
    /// How many classes to answer in place of the values; 0 = the values.
    public var classes: Int32
    /// Where the values go instead of into the reply.
    public var shared: SharedRange?

    /// Creates the wish for an output.
    public init(index: Int, isBinary: Bool, classes: Int32 = 0, shared: SharedRange? = nil) {
        self.index = index
        self.isBinary = isBinary
        self.classes = classes
        self.shared = shared
    }
}
