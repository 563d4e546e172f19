import CONNXRuntime
import ServerRuntime
import ServingDomain

/// Asks a session what tensors its model declares.
struct SignatureReader {
    let session: ONNXSession
    let file: ModelFile

    /// The tensors that a request must bring and those that a run gives.
    func declared() throws(EngineError) -> DeclaredSignature {
        let calls = session.library.calls
        return DeclaredSignature(
            inputs: try tensors(
                calls.input_count,
                name: calls.input_name,
                type: calls.input_type,
                "input"
            ),
            outputs: try tensors(
                calls.output_count,
                name: calls.output_name,
                type: calls.output_type,
                "output"
            )
        )
    }

    /// The initialisers that a request may bring instead of the model's own values.
    func overridable() throws(EngineError) -> [DeclaredSignature.Tensor] {
        let calls = session.library.calls
        return try tensors(
            calls.overridable_count,
            name: calls.overridable_name,
            type: calls.overridable_type,
            nil
        )
    }

    private typealias Count =
        @convention(c) (OpaquePointer, UnsafeMutablePointer<Int>) -> OpaquePointer?
    private typealias Name =
        @convention(c) (
            OpaquePointer, Int, OpaquePointer,
            UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
        ) -> OpaquePointer?
    private typealias TypeInfo =
        @convention(c) (OpaquePointer, Int, UnsafeMutablePointer<OpaquePointer?>) -> OpaquePointer?

    /// - Parameter role: What the tensors are, for messages; nil leaves out those that the
    ///   protocol can't carry.
    private func tensors(
        _ count: Count,
        name: Name,
        type: TypeInfo,
        _ role: String?
    ) throws(EngineError) -> [DeclaredSignature.Tensor] {
        let library = session.library
        var total = 0
        try library.check(count(session.handle, &total), "a list of tensors")
        var tensors: [DeclaredSignature.Tensor] = []
        for index in 0..<total {
            var text: UnsafeMutablePointer<CChar>?
            let status = name(session.handle, index, library.allocator, &text)
            try library.check(status, "a tensor's name")
            guard let text else { continue }
            let tensorName = String(cString: text)
            try library.check(library.calls.allocator_free(library.allocator, text), "room")
            let info = try library.made("a tensor's type") { type(session.handle, index, $0) }
            defer { library.calls.release_type_info(info) }
            if let tensor = try tensor(tensorName, info) {
                tensors.append(tensor)
            } else if let role {
                throw EngineError(
                    .badModel,
                    "\(file.title): \(role) '\(tensorName)' is no tensor of a type that the "
                        + "protocol has; export the model with a plain tensor there"
                )
            }
        }
        return tensors
    }

    private func tensor(
        _ name: String,
        _ info: OpaquePointer
    ) throws(EngineError) -> DeclaredSignature.Tensor? {
        let library = session.library
        var tensorInfo: OpaquePointer?
        try library.check(library.calls.as_tensor_info(info, &tensorInfo), "a tensor's type")
        guard let tensorInfo else { return nil }
        let (number, shape) = try library.typeAndShape(tensorInfo)
        guard let type = DataType(elementType: number) else { return nil }
        return DeclaredSignature.Tensor(name: name, type: type, shape: shape)
    }
}

extension ONNXLibrary {
    /// Element type and dimensions of a tensor's description; free dimensions are -1.
    func typeAndShape(_ info: OpaquePointer) throws(EngineError) -> (Int32, [Int64]) {
        var number: Int32 = 0
        var rank = 0
        try check(calls.element_type(info, &number), "a tensor's type")
        try check(calls.rank(info, &rank), "a tensor's rank")
        var dims = [Int64](repeating: 0, count: rank)
        try check(calls.dims(info, &dims, rank), "a tensor's shape")
        return (number, dims)
    }
}
