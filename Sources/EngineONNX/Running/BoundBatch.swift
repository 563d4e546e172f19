import CONNXRuntime
import ServerRuntime
import ServingDomain

/// One size and shape of batch of an instance, bound to the instance's buffers.
///
/// Binding costs microseconds, so instances keep these from batch to batch. A batch whose
/// buffers moved is bound anew.
final class BoundBatch {
    /// How the library gets room for an output.
    enum Room: Equatable {
        /// The library makes room; the shape is not known yet.
        case unknown
        /// Our own buffer, for the shape that the first run gave.
        case own
        /// The library makes room in every run: strings, and shapes that depend on the data.
        case library
    }

    /// One output.
    struct Output {
        var room = Room.unknown
        var shape: [Int64] = []
        var byteCount = 0
    }

    /// Rows in the batch.
    let items: Int32
    /// The shapes of the inputs' rows.
    let shapes: InputShapes
    /// By input: bytes, or for BYTES elements; nil where the input is not brought.
    let sizes: [Int?]
    /// By input: the whole shape; empty where the input is not brought.
    let dims: [[Int64]]
    /// By output.
    var outputs: [Output]
    /// The library's binding.
    let binding: OpaquePointer
    /// The state of the buffers that everything is bound to; -1 = not bound.
    var generation = -1
    /// The CUDA graph that was captured of it, as it is bound now; nil = none.
    var graph: Int32?
    /// When the batch was used last, by the instance's count.
    var lastUse = 0
    /// The string inputs' tensors by input; they live as long as the batch.
    var strings: [OpaquePointer?]

    private var values: [OpaquePointer] = []
    private let session: ONNXSession
    private let memory: OpaquePointer
    private var library: ONNXLibrary { session.library }

    /// Checks the shapes against the model's and makes an empty binding.
    ///
    /// - Parameter memory: Where the buffers lie, in the library's words; nil = plain memory.
    /// - Throws: `badInput` where a shape does not fit or an input is missing.
    init(
        items: Int32,
        shapes: InputShapes,
        layout: TensorLayout,
        session: ONNXSession,
        memory: OpaquePointer? = nil
    ) throws(EngineError) {
        self.items = items
        self.shapes = shapes
        self.session = session
        self.memory = memory ?? session.library.memory
        guard shapes.dims.count == layout.inputs.count else {
            throw EngineError(
                .badInput,
                "the model has \(layout.inputs.count) inputs, but shapes of "
                    + "\(shapes.dims.count) were given"
            )
        }
        var dims: [[Int64]] = []
        var sizes: [Int?] = []
        for (tensor, rows) in zip(layout.inputs, shapes.dims) {
            guard let rows else {
                guard !tensor.required else {
                    throw EngineError(.badInput, "input '\(tensor.name)' is missing; send it")
                }
                dims.append([])
                sizes.append(nil)
                continue
            }
            let whole = layout.batched ? [Int64(items)] + rows : rows
            dims.append(whole)
            sizes.append(try Self.size(of: whole, as: tensor))
        }
        (self.dims, self.sizes) = (dims, sizes)
        outputs = Array(repeating: Output(), count: layout.outputs.count)
        strings = Array(repeating: nil, count: layout.inputs.count)
        let calls = session.library.calls
        binding = try session.library.made("a binding") { calls.create_binding(session.handle, $0) }
    }

    deinit {
        let calls = library.calls
        calls.release_binding(binding)
        for value in values { calls.release_value(value) }
        for value in strings { if let value { calls.release_value(value) } }
    }

    /// Takes the outputs whose rows have a fixed shape for known, before any run: `loosen` mends it
    /// where the file does not keep its word.
    func presumeShapes(_ layout: TensorLayout) {
        for (index, tensor) in layout.outputs.enumerated() where outputs[index].room == .unknown {
            var shape = tensor.shape
            if layout.batched, !shape.isEmpty { shape[0] = Int64(items) }
            guard tensor.type != .bytes, shape.allSatisfy({ $0 >= 0 }),
                let size = tensor.size(of: shape)
            else { continue }
            outputs[index] = Output(room: .own, shape: shape, byteCount: size)
        }
    }

    /// Binds everything to buffers that begin at these places.
    func bind(
        layout: TensorLayout,
        inputs: [UnsafeMutableRawPointer],
        results: [UnsafeMutableRawPointer],
        generation: Int
    ) throws(EngineError) {
        let calls = library.calls
        calls.clear_inputs(binding)
        calls.clear_outputs(binding)
        for value in values { calls.release_value(value) }
        values.removeAll(keepingCapacity: true)
        self.generation = -1
        graph = nil
        for (index, tensor) in layout.inputs.enumerated() {
            guard let size = sizes[index] else { continue }
            let value: OpaquePointer
            if tensor.type == .bytes {
                value = try stringTensor(index)
            } else {
                value = try self.value(over: inputs[index], size, dims[index], tensor.type)
            }
            try library.check(calls.bind_input(binding, tensor.name, value), "a bound input")
        }
        for (index, tensor) in layout.outputs.enumerated() {
            let output = outputs[index]
            let status: OpaquePointer?
            if output.room == .own {
                let value = try self.value(
                    over: results[index],
                    output.byteCount,
                    output.shape,
                    tensor.type
                )
                status = calls.bind_output(binding, tensor.name, value)
            } else {
                status = calls.bind_output_to_device(binding, tensor.name, memory)
            }
            try library.check(status, "a bound output")
        }
        self.generation = generation
    }

    /// Leaves outputs to the library whose shape may depend on the data.
    /// - Returns: Whether there were any, so that a failed run is worth another try.
    func loosen(_ layout: TensorLayout) -> Bool {
        var changed = false
        for (index, tensor) in layout.outputs.enumerated() where outputs[index].room == .own {
            let known = layout.batched ? tensor.shape.dropFirst() : tensor.shape[...]
            guard known.contains(where: { $0 < 0 }) else { continue }
            outputs[index].room = .library
            changed = true
        }
        return changed
    }

    /// Lets the library make room anew for the outputs that are left to it.
    ///
    /// It would else write into those of the run before, and fail where shapes changed.
    func renewOutputs(_ layout: TensorLayout) throws(EngineError) {
        for index in outputs.indices where outputs[index].room != .own {
            let status = library.calls.bind_output_to_device(
                binding,
                layout.outputs[index].name,
                memory
            )
            try library.check(status, "a bound output")
        }
    }

    private func value(
        over start: UnsafeMutableRawPointer,
        _ byteCount: Int,
        _ dims: [Int64],
        _ type: DataType
    ) throws(EngineError) -> OpaquePointer {
        let library = library
        let value = try library.made("a tensor") {
            library.calls.create_tensor_over(
                memory,
                start,
                byteCount,
                dims,
                dims.count,
                type.elementType,
                $0
            )
        }
        values.append(value)
        return value
    }

    private func stringTensor(_ index: Int) throws(EngineError) -> OpaquePointer {
        if let known = strings[index] { return known }
        let library = library
        let shape = dims[index]
        let value = try library.made("a string tensor") {
            library.calls.create_tensor(
                library.allocator,
                shape,
                shape.count,
                connx_type_string,
                $0
            )
        }
        strings[index] = value
        return value
    }

    private static func size(
        of whole: [Int64],
        as tensor: TensorLayout.Tensor
    ) throws(EngineError) -> Int {
        guard tensor.accepts(whole) else {
            throw EngineError(
                .badInput,
                "input '\(tensor.name)' has shape \(whole), but the model takes "
                    + "\(tensor.shape); -1 stands for any size"
            )
        }
        guard let size = tensor.size(of: whole) else {
            throw EngineError(
                .badInput,
                "input '\(tensor.name)' of shape \(whole) is too large; the limit is 8 GiB"
            )
        }
        return size
    }
}
