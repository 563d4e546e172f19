/// Name, element type and shape of one input or output of a model.
public struct TensorSpec: Hashable, Sendable {
    /// The tensor's name in the model file.
    public var name: String
    /// The element type.
    public var type: DataType
    /// The shape without the batch dimension; -1 where any size goes.
    public var dims: [Int64]
    /// What the engine sees instead of `dims`, where config.pbtxt has `reshape`.
    public var engineDims: [Int64]?
    /// Whether a request may leave the tensor out.
    public var optional: Bool
    /// Labels of a classification output, in index order; empty without a label file.
    public var labels: [String]

    /// Creates the description of one tensor.
    public init(
        name: String,
        type: DataType,
        dims: [Int64],
        engineDims: [Int64]? = nil,
        optional: Bool = false,
        labels: [String] = []
    ) {
        self.name = name
        self.type = type
        self.dims = dims
        self.engineDims = engineDims
        self.optional = optional
        self.labels = labels
    }

    /// Whether every dimension is known.
    public var isFixed: Bool { dims.allSatisfy { $0 >= 0 } }

    /// Whether `row`, a shape without the batch dimension, is one that the tensor may have.
    public func takes(_ row: some Collection<Int64>) -> Bool {
        row.count == dims.count && zip(row, dims).allSatisfy { $0 >= 0 && ($1 < 0 || $0 == $1) }
    }

    /// What the engine sees of `row`: `reshape`, its free dimensions filled in their order.
    ///
    /// - Returns: nil where the reshape has more free sizes than `dims`: a wrong configuration.
    public func engineRow(_ row: [Int64]) -> [Int64]? {
        guard let target = engineDims else { return row }
        guard target.contains(where: { $0 < 0 }) else { return target }
        var free = zip(dims, row).filter { $0.0 < 0 }.map(\.1).makeIterator()
        var result = target
        for position in target.indices where target[position] < 0 {
            guard let dimension = free.next() else { return nil }
            result[position] = dimension
        }
        return result
    }
}

/// The tensors that a model takes and gives, and whether it takes batches.
public struct ModelSignature: Hashable, Sendable {
    /// What a request must bring, in the order of config.pbtxt.
    public var inputs: [TensorSpec]
    /// What a reply may carry, in the order of config.pbtxt.
    public var outputs: [TensorSpec]
    /// Whether requests carry a first dimension that counts items (`max_batch_size` > 0).
    public var batched: Bool

    /// Creates a signature.
    public init(inputs: [TensorSpec], outputs: [TensorSpec], batched: Bool) {
        self.inputs = inputs
        self.outputs = outputs
        self.batched = batched
    }

    /// The bytes that one item's tensors of a side have; 0 where shapes or elements are free.
    public func bytesOfOneItem(_ side: KeyPath<ModelSignature, [TensorSpec]>) -> Int64 {
        var sum: Int64 = 0
        for tensor in self[keyPath: side] {
            guard let size = tensor.type.size, tensor.isFixed else { return 0 }
            var bytes = Int64(size)
            for dimension in tensor.dims {
                let (product, overflow) = bytes.multipliedReportingOverflow(by: dimension)
                guard !overflow else { return 0 }
                bytes = product
            }
            sum &+= bytes
        }
        return max(0, sum)
    }
}
