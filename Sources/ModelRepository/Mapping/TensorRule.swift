import ServingDomain

/// Maps `input` and `output`, and checks what can be checked without the model's file.
enum TensorRule {
    /// The element type by the number of config.pbtxt's word; nil for TYPE_INVALID.
    static func type(_ word: Int) -> DataType? {
        let types: [DataType?] = [
            nil, .bool, .uint8, .uint16, .uint32, .uint64, .int8, .int16, .int32, .int64, .fp16,
            .fp32, .fp64, .bytes, .bf16,
        ]
        return types.indices.contains(word) ? types[word] : nil
    }

    /// The number of config.pbtxt's word for an element type.
    static func word(_ type: DataType) -> Int {
        switch type {
        case .bool: 1
        case .uint8: 2
        case .uint16: 3
        case .uint32: 4
        case .uint64: 5
        case .int8: 6
        case .int16: 7
        case .int32: 8
        case .int64: 9
        case .fp16: 10
        case .fp32: 11
        case .fp64: 12
        case .bytes: 13
        case .bf16: 14
        }
    }

    /// The tensors of one side, in the order of the configuration, labels still to be read.
    static func map(
        _ config: ConfigMessage,
        _ side: String,
        _ limits: RepositoryLimits,
        _ findings: inout Findings
    ) -> [TensorSpec] {
        let written = config.messages(side)
        let position = config.position(side)
        guard written.count <= limits.tensors else {
            findings.error(
                side,
                "\(written.count) tensors are above the limit of \(limits.tensors)",
                at: position
            )
            return []
        }
        var names: Set<String> = []
        return written.compactMap { tensor in
            let name = tensor.string("name")
            guard !name.isEmpty else {
                findings.error("\(side).name", "a tensor has no name; add one", at: position)
                return nil
            }
            guard names.insert(name).inserted else {
                findings.error(
                    "\(side).name",
                    "'\(name)' is there twice; take one of them out",
                    at: tensor.position("name")
                )
                return nil
            }
            return map(tensor, name, side, limits, &findings)
        }
    }

    private static func map(
        _ tensor: ConfigMessage,
        _ name: String,
        _ side: String,
        _ limits: RepositoryLimits,
        _ findings: inout Findings
    ) -> TensorSpec? {
        guard let type = type(tensor.word("data_type")) else {
            findings.error(
                "\(side).data_type",
                "'\(name)' has no type; give one such as TYPE_FP32",
                at: tensor.position("data_type") ?? tensor.position("name")
            )
            return nil
        }
        let dims = tensor.ints("dims")
        let place = tensor.position("dims") ?? tensor.position("name")
        guard !dims.isEmpty else {
            findings.error(
                "\(side).dims",
                "'\(name)' has no dims; give its shape without the batch, or [ 1 ] with "
                    + "reshape { } for a single value",
                at: place
            )
            return nil
        }
        let shape = tensor.message("reshape")?.ints("shape")
        for (list, what) in [(dims, "dims"), (shape ?? [], "reshape")] {
            if let flaw = flaw(list, limits) {
                findings.error("\(side).\(what)", "'\(name)': \(flaw)", at: place)
                return nil
            }
        }
        if let shape, let flaw = flaw(dims, reshapedTo: shape) {
            findings.error("\(side).reshape", "'\(name)': \(flaw)", at: tensor.position("reshape"))
            return nil
        }
        return TensorSpec(
            name: name,
            type: type,
            dims: dims,
            engineDims: shape,
            optional: side == "input" && tensor.bool("optional")
        )
    }

    private static func flaw(_ dims: [Int64], _ limits: RepositoryLimits) -> String? {
        if dims.count > limits.dims {
            return "\(dims.count) dimensions are above the limit of \(limits.dims)"
        }
        if let wrong = dims.first(where: { $0 < 1 && $0 != -1 }) {
            return "\(wrong) is no dimension; give a number from 1, or -1 for any size"
        }
        if elements(dims) == nil {
            return "\(shown(dims)) has more elements than fit; use smaller dimensions"
        }
        return nil
    }

    private static func flaw(_ dims: [Int64], reshapedTo shape: [Int64]) -> String? {
        let free = dims.filter { $0 == -1 }.count
        let freeAfter = shape.filter { $0 == -1 }.count
        guard free == freeAfter, elements(dims) == elements(shape) else {
            return "reshape \(shown(shape)) has other elements than dims \(shown(dims)); make "
                + "their products and their -1s equal"
        }
        return nil
    }

    /// The product of the dimensions that are known; nil = beyond 48 bits.
    static func elements(_ dims: [Int64]) -> Int64? {
        var product: Int64 = 1
        for dim in dims where dim != -1 {
            let (next, overflow) = product.multipliedReportingOverflow(by: dim)
            guard !overflow, next < 1 << 48 else { return nil }
            product = next
        }
        return product
    }

    /// A shape for a message.
    static func shown(_ dims: [Int64]) -> String {
        "[\(dims.map(String.init).joined(separator: ","))]"
    }
}
