public import ServerRuntime
public import ServingDomain

/// A loaded model that is to be measured.
public struct Subject: Sendable {
    /// The model's name.
    public var name: String
    /// The model, its weights in memory.
    public var model: any LoadedModel
    /// The tensors of a request.
    public var signature: ModelSignature
    /// The largest batch to measure.
    public var batchLimit: Int32

    /// Takes a loaded model.
    ///
    /// - Throws: `ProfilerError` for free dimensions: such a model has no one latency.
    public init(
        name: String,
        model: any LoadedModel,
        signature: ModelSignature,
        batchLimit: Int32
    ) throws(ProfilerError) {
        precondition(batchLimit >= 1)
        if let input = signature.inputs.first(where: { !$0.isFixed }) {
            throw ProfilerError(
                "'\(name)' has free dimensions (input '\(input.name)'): it has no one latency; "
                    + "give its config.pbtxt fixed dims to profile it"
            )
        }
        self.name = name
        self.model = model
        self.signature = signature
        self.batchLimit = batchLimit
    }

    /// The batches to measure: doublings, and the limit itself.
    public var batches: [Int32] { Self.batches(limit: batchLimit) }

    /// Doublings up to `limit`, and `limit` itself.
    public static func batches(limit: Int32) -> [Int32] {
        var batches: [Int32] = []
        var next: Int32 = 1
        while next < limit {
            batches.append(next)
            next *= 2
        }
        return batches + [limit]
    }

    /// Bytes of one item's inputs.
    public var inputBytes: Int64 { Self.bytes(signature.inputs) }

    /// Bytes of one item's outputs; free dimensions count as one.
    public var outputBytes: Int64 { Self.bytes(signature.outputs) }

    private static func bytes(_ tensors: [TensorSpec]) -> Int64 {
        tensors.reduce(0) { sum, tensor in
            sum + tensor.dims.reduce(Int64(tensor.type.size ?? 4)) { $0 * max(1, $1) }
        }
    }
}

/// Why something could not be profiled: one line, with the next step.
public struct ProfilerError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The line.
    public let description: String

    /// Creates an error from its line.
    public init(_ description: String) { self.description = description }
}
