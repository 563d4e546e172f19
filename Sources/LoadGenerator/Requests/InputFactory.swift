import ServingDomain
import Workloads

/// Makes the tensors that every request of a model carries.
struct InputFactory {
    /// The most bytes of one request's tensors.
    static let byteLimit = 1 << 30

    let shapes: [String: [Int64]]
    let data: LoadConfiguration.InputData
    var generator: SeededGenerator

    /// The tensors for the inputs of `model`, in the same order.
    mutating func tensors(
        for inputs: [ModelInput],
        of model: String
    ) throws(LoadError) -> [InputTensor] {
        var tensors: [InputTensor] = []
        var rest = ArraySlice<UInt8>()
        if case .bytes(let bytes) = data { rest = bytes[...] }
        for input in inputs {
            let shape = try shape(of: input, model: model)
            var tensor = InputTensor(name: input.name, type: input.type, shape: shape, bytes: [])
            if case .bytes = data {
                guard let bytes = Self.take(tensor, from: &rest) else {
                    throw LoadError(
                        "the data file ends within input '\(input.name)' of model '\(model)'"
                    )
                }
                tensor.bytes = bytes
            } else {
                tensor.bytes = fill(tensor)
            }
            tensors.append(tensor)
        }
        guard rest.isEmpty else {
            throw LoadError(
                "the data file has \(rest.count) bytes more than the inputs of model '\(model)'"
            )
        }
        return tensors
    }

    private func shape(of input: ModelInput, model: String) throws(LoadError) -> [Int64] {
        var shape = input.shape.map { $0 < 0 ? 1 : $0 }
        if let given = shapes[input.name] {
            let fits =
                given.count == shape.count
                && zip(input.shape, given).allSatisfy { $0 < 0 || $0 == $1 }
            guard fits else {
                throw LoadError(
                    "shape \(given) does not fit input '\(input.name)' of model '\(model)',"
                        + " which is \(input.shape)"
                )
            }
            shape = given
        }
        var count = input.type.size ?? 12
        for dim in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: Int(dim))
            guard !overflow, product <= Self.byteLimit else {
                throw LoadError(
                    "input '\(input.name)' of shape \(shape) takes more than \(Self.byteLimit)"
                        + " bytes, the limit"
                )
            }
            count = product
        }
        return shape
    }

    private mutating func fill(_ tensor: InputTensor) -> [UInt8] {
        guard data == .random else {
            return Array(repeating: 0, count: tensor.elements * (tensor.type.size ?? 4))
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(tensor.elements * (tensor.type.size ?? 12))
        for _ in 0..<tensor.elements { append(tensor.type, to: &bytes) }
        return bytes
    }

    private mutating func append(_ type: DataType, to bytes: inout [UInt8]) {
        func little<Value: FixedWidthInteger>(_ value: Value) {
            withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
        }
        let number = generator.next() >> 57
        switch type {
        case .bool: bytes.append(UInt8(number & 1))
        case .uint8, .int8: bytes.append(UInt8(number))
        case .uint16, .int16: little(UInt16(number))
        case .uint32, .int32: little(UInt32(number))
        case .uint64, .int64: little(number)
        case .fp16: little(Float16(generator.unit()).bitPattern)
        // A BF16 is the upper half of an FP32.
        case .bf16: little(UInt16(Float(generator.unit()).bitPattern >> 16))
        case .fp32: little(Float(generator.unit()).bitPattern)
        case .fp64: little(generator.unit().bitPattern)
        case .bytes:
            little(UInt32(8))
            for _ in 0..<8 { bytes.append(97 + UInt8(generator.next() % 26)) }
        }
    }

    /// The bytes of one tensor off the front of `rest`; nil if there are too few.
    private static func take(
        _ tensor: InputTensor,
        from rest: inout ArraySlice<UInt8>
    ) -> [UInt8]? {
        var count = 0
        if let size = tensor.type.size {
            count = tensor.elements * size
        } else {
            for _ in 0..<tensor.elements {
                let length = rest.dropFirst(count).prefix(4)
                guard length.count == 4 else { return nil }
                count += 4 + length.reversed().reduce(0) { $0 << 8 | Int($1) }
            }
        }
        guard rest.count >= count else { return nil }
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
    }
}
