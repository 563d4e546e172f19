import ServerRuntime
import ServingDomain

/// Compares a configuration with what the model's file declares.
enum FileCheck {
    /// Reports every name, type and dimension that does not fit.
    static func compare(
        _ signature: ModelSignature,
        _ config: ConfigMessage,
        with file: DeclaredSignature,
        version: Int64,
        _ findings: inout Findings
    ) {
        if signature.batched { checkBatch(file, config, &findings) }
        sides: for (side, given, declared) in [
            ("input", signature.inputs, file.inputs),
            ("output", signature.outputs, file.outputs),
        ] {
            for tensor in given {
                guard let found = declared.first(where: { $0.name == tensor.name }) else {
                    // It may be an initialiser that a request can replace; the engine knows.
                    if tensor.optional { continue }
                    let names = declared.map(\.name)
                    let hint = NearestName.hint(tensor.name, among: names)
                    let list = names.prefix(16).joined(separator: ", ")
                    findings.error(
                        "\(side).name",
                        "the file of version \(version) has no \(side) '\(tensor.name)'\(hint); "
                            + "it has: \(list)",
                        at: config.position(side)
                    )
                    continue
                }
                if let flaw = flaw(tensor, found, batched: signature.batched) {
                    findings.error(
                        "\(side).\(flaw.field)",
                        "'\(tensor.name)' of version \(version): \(flaw.note)",
                        at: config.position(side)
                    )
                }
            }
        }
        let names = Set(signature.inputs.map(\.name))
        for missing in file.inputs where !names.contains(missing.name) {
            findings.error(
                "input",
                "the file of version \(version) needs the input '\(missing.name)'; add it, or "
                    + "leave all inputs out to have them taken from the file",
                at: config.position("input")
            )
        }
    }

    private static func checkBatch(
        _ file: DeclaredSignature,
        _ config: ConfigMessage,
        _ findings: inout Findings
    ) {
        // A file that declares no shape at all can't be judged.
        let fixed = (file.inputs + file.outputs).first {
            $0.shape.first.map { $0 != -1 } ?? false
        }
        guard let fixed else { return }
        findings.error(
            "max_batch_size",
            "is \(config.int("max_batch_size")), but '\(fixed.name)' of the file has the shape "
                + "\(TensorRule.shown(fixed.shape)), whose first dimension is not free; set "
                + "max_batch_size: 0 and give whole shapes in dims, or export the model with a "
                + "free first dimension",
            at: config.position("max_batch_size")
        )
    }

    private static func flaw(
        _ tensor: TensorSpec,
        _ file: DeclaredSignature.Tensor,
        batched: Bool
    ) -> (field: String, note: String)? {
        if tensor.type != file.type {
            let (given, wanted) = (word(tensor.type), word(file.type))
            return ("data_type", "is \(given), the file has \(wanted); write \(wanted)")
        }
        guard !file.shape.isEmpty else { return nil }
        let seen = (batched ? [-1] : []) + (tensor.engineDims ?? tensor.dims)
        let fits =
            seen.count == file.shape.count
            && zip(seen, file.shape).allSatisfy { $0 == $1 || $1 == -1 }
        if fits { return nil }
        let wanted = Array(file.shape.dropFirst(batched ? 1 : 0))
        let rest = batched ? " without the batch" : ""
        let given = TensorRule.shown(tensor.engineDims ?? tensor.dims)
        return (
            tensor.engineDims == nil ? "dims" : "reshape",
            "\(given) does not fit the file's \(TensorRule.shown(wanted))\(rest); write those"
        )
    }

    private static func word(_ type: DataType) -> String {
        ConfigWords.dataType.words[TensorRule.word(type)]
    }
}
