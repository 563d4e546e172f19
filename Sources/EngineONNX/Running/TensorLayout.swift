import ServerRuntime
import ServingDomain

/// The tensors of a model in the order that instances number them by, with what to check.
struct TensorLayout: Sendable {
    /// One input or output.
    struct Tensor: Sendable {
        /// The name in the model's file.
        var name: String
        /// The element type.
        var type: DataType
        /// The whole shape as declared; -1 where any size goes.
        var shape: [Int64]
        /// Whether a run needs it.
        var required: Bool
    }

    /// The inputs.
    let inputs: [Tensor]
    /// The outputs.
    let outputs: [Tensor]
    /// Whether the first dimension counts items.
    let batched: Bool

    /// Finds the signature's tensors in the file, or takes them all in the file's order.
    ///
    /// - Throws: `badModel` where the file lacks a tensor, or has it with another type.
    init(
        _ signature: ModelSignature?,
        of weights: ModelWeights,
        title: String
    ) throws(EngineError) {
        let declared = weights.declared
        guard let signature else {
            inputs = declared.inputs.map { Tensor($0, required: true) }
            outputs = declared.outputs.map { Tensor($0, required: false) }
            batched =
                !inputs.isEmpty && (inputs + outputs).allSatisfy { $0.shape.first == -1 }
            return
        }
        batched = signature.batched
        let all = declared.inputs + weights.overridable
        var inputs: [Tensor] = []
        for spec in signature.inputs {
            let found = try Self.find(spec, in: all, "input", title)
            let required = declared.inputs.contains { $0.name == spec.name }
            inputs.append(Tensor(found, required: required))
        }
        for tensor in declared.inputs where !inputs.contains(where: { $0.name == tensor.name }) {
            throw EngineError(
                .badModel,
                "\(title): the file needs input '\(tensor.name)', which the configuration "
                    + "leaves out; add it"
            )
        }
        var outputs: [Tensor] = []
        for spec in signature.outputs {
            let found = try Self.find(spec, in: declared.outputs, "output", title)
            outputs.append(Tensor(found, required: false))
        }
        (self.inputs, self.outputs) = (inputs, outputs)
    }

    private static func find(
        _ spec: TensorSpec,
        in declared: [DeclaredSignature.Tensor],
        _ role: String,
        _ title: String
    ) throws(EngineError) -> DeclaredSignature.Tensor {
        guard let found = declared.first(where: { $0.name == spec.name }) else {
            let names = declared.map(\.name).joined(separator: ", ")
            throw EngineError(
                .badModel,
                "\(title): the file has no \(role) '\(spec.name)'; it has \(names)"
            )
        }
        guard found.type == spec.type else {
            throw EngineError(
                .badModel,
                "\(title): \(role) '\(spec.name)' is \(found.type.name) in the file, but "
                    + "\(spec.type.name) in the configuration; correct the configuration"
            )
        }
        return found
    }
}

extension TensorLayout.Tensor {
    fileprivate init(_ declared: DeclaredSignature.Tensor, required: Bool) {
        self.init(
            name: declared.name,
            type: declared.type,
            shape: declared.shape,
            required: required
        )
    }

    /// Whether a whole shape is one that the model takes.
    func accepts(_ whole: [Int64]) -> Bool {
        whole.count == shape.count
            && zip(whole, shape).allSatisfy { $0 >= 0 && ($1 < 0 || $0 == $1) }
    }

    /// The bytes of a tensor of that shape; for BYTES the number of elements; nil = too many.
    func size(of whole: [Int64]) -> Int? {
        var count = 1
        for dim in whole {
            let (product, overflow) = count.multipliedReportingOverflow(by: Int(dim))
            if overflow { return nil }
            count = product
        }
        let (bytes, overflow) = count.multipliedReportingOverflow(by: type.size ?? 1)
        return overflow || bytes > Self.limit ? nil : bytes
    }

    /// The largest tensor, in bytes.
    private static let limit = 8 << 30
}
