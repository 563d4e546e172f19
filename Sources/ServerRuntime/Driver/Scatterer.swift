import ServingDomain

/// Cuts the results of a batch into its requests' rows.
struct Scatterer {
    private let signature: ModelSignature
    /// By output: the shape that was last handed out, so that equal ones share their storage.
    private var lastShapes: [[Int64]]

    init(signature: ModelSignature) {
        self.signature = signature
        lastShapes = Array(repeating: [], count: signature.outputs.count)
    }

    /// Hands every passenger its rows of every output that it wants.
    mutating func scatter(
        _ passengers: [LaneThread.Passenger],
        items: Int32,
        from instance: any EngineInstance
    ) throws(EngineError) {
        for index in signature.outputs.indices {
            guard passengers.contains(where: { $0.exchange.wants(output: index) }) else {
                continue
            }
            let output = try instance.output(index)
            try scatter(output, at: index, among: passengers, items: items)
        }
    }

    private mutating func scatter(
        _ output: EngineOutput,
        at index: Int,
        among passengers: [LaneThread.Passenger],
        items: Int32
    ) throws(EngineError) {
        guard signature.batched else {
            // A model without a batch dimension runs one request at a time.
            let shape = reshaped(output.shape, at: index)
            passengers[0].exchange.scatter(output: index, shape: shape, bytes: output.bytes)
            return
        }
        guard let rows = output.shape.first, rows == Int64(items) else {
            throw EngineError(
                .failed,
                "output '\(signature.outputs[index].name)' has shape \(output.shape) for a batch "
                    + "of \(items); its first dimension must count the items, or set "
                    + "max_batch_size to 0"
            )
        }
        var rest = output.bytes
        for passenger in passengers {
            let end = try byteEnd(of: passenger.items, of: items, in: rest, output, index)
            if passenger.exchange.wants(output: index) {
                passenger.exchange.scatter(
                    output: index,
                    shape: shape(of: passenger.items, in: output.shape, at: index),
                    bytes: UnsafeRawBufferPointer(rebasing: rest[..<end])
                )
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[end...])
        }
    }

    /// Where the bytes of the next `count` rows end.
    private func byteEnd(
        of count: Int32,
        of items: Int32,
        in rest: UnsafeRawBufferPointer,
        _ output: EngineOutput,
        _ index: Int
    ) throws(EngineError) -> Int {
        guard signature.outputs[index].type == .bytes else {
            return output.bytes.count / Int(items) * Int(count)
        }
        var elements = Int(count)
        for dimension in output.shape.dropFirst() { elements *= Int(dimension) }
        var end = 0
        for _ in 0..<elements {
            guard rest.count - end >= 4 else {
                throw EngineError(.failed, "the engine gave a string tensor that ends early")
            }
            let length = rest.loadUnaligned(fromByteOffset: end, as: UInt32.self)
            end += 4 + Int(UInt32(littleEndian: length))
        }
        guard end <= rest.count else {
            throw EngineError(.failed, "the engine gave a string tensor that ends early")
        }
        return end
    }

    private mutating func shape(of count: Int32, in whole: [Int64], at index: Int) -> [Int64] {
        let last = lastShapes[index]
        let dims = signature.outputs[index].engineDims == nil ? nil : signature.outputs[index].dims
        if last.first == Int64(count) {
            if let dims, last.dropFirst().elementsEqual(dims) { return last }
            if dims == nil, last.dropFirst().elementsEqual(whole.dropFirst()) { return last }
        }
        let shape = [Int64(count)] + (dims.map { $0[...] } ?? whole.dropFirst())
        lastShapes[index] = shape
        return shape
    }

    private func reshaped(_ whole: [Int64], at index: Int) -> [Int64] {
        let spec = signature.outputs[index]
        return spec.engineDims == nil || !spec.isFixed ? whole : spec.dims
    }
}
