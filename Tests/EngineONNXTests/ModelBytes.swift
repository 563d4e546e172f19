import ServingDomain

/// Writes protobuf fields; just enough of the format for ONNX files.
struct FieldWriter {
    private(set) var bytes: [UInt8] = []

    mutating func varint(_ field: Int, _ value: Int64) {
        raw(UInt64(field << 3))
        raw(UInt64(bitPattern: value))
    }

    mutating func blob(_ field: Int, _ value: [UInt8]) {
        raw(UInt64(field << 3 | 2))
        raw(UInt64(value.count))
        bytes += value
    }

    mutating func text(_ field: Int, _ value: String) {
        blob(field, Array(value.utf8))
    }

    mutating func message(_ field: Int, _ build: (inout FieldWriter) -> Void) {
        var inner = FieldWriter()
        build(&inner)
        blob(field, inner.bytes)
    }

    private mutating func raw(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}

/// A small ONNX model, put together in a test.
struct ModelBytes {
    enum Dim {
        case fixed(Int64)
        case free(String)
    }

    struct Node {
        var operation: String
        var inputs: [String]
        var outputs: [String]
        /// Whole-number attributes by name.
        var attributes: [(String, Int64)] = []
    }

    struct Weights {
        var name: String
        var type: DataType
        var dims: [Int64]
        var bytes: [UInt8]
        /// The file beside the model that holds the bytes instead.
        var externalFile: String?

        init(
            _ name: String,
            _ type: DataType,
            _ dims: [Int64],
            bytes: [UInt8],
            externalFile: String? = nil
        ) {
            (self.name, self.type, self.dims) = (name, type, dims)
            (self.bytes, self.externalFile) = (bytes, externalFile)
        }

        init(_ name: String, _ dims: [Int64], _ values: [Float]) {
            self.init(name, .fp32, dims, bytes: floats(values))
        }
    }

    var nodes: [Node] = []
    var inputs: [(name: String, type: DataType, dims: [Dim])] = []
    var outputs: [(name: String, type: DataType, dims: [Dim])] = []
    /// Names of outputs that are sequences of FP32 tensors, which the protocol can't carry.
    var sequences: [String] = []
    var weights: [Weights] = []

    /// The file's bytes.
    var bytes: [UInt8] {
        var file = FieldWriter()
        file.varint(1, 8)
        file.text(2, "sluice tests")
        file.message(7, graph)
        file.message(8) { $0.varint(2, 17) }
        return file.bytes
    }

    private func graph(_ graph: inout FieldWriter) {
        for (index, node) in nodes.enumerated() {
            graph.message(1) { out in
                for name in node.inputs { out.text(1, name) }
                for name in node.outputs { out.text(2, name) }
                out.text(3, "node\(index)")
                out.text(4, node.operation)
                for (name, value) in node.attributes {
                    out.message(5) { attribute in
                        attribute.text(1, name)
                        attribute.varint(3, value)
                        attribute.varint(20, 2)
                    }
                }
            }
        }
        graph.text(2, "graph")
        for weights in weights { graph.message(5) { tensor(weights, &$0) } }
        for (name, type, dims) in inputs { graph.message(11) { value(name, type, dims, &$0) } }
        for (name, type, dims) in outputs { graph.message(12) { value(name, type, dims, &$0) } }
        for name in sequences {
            graph.message(12) { out in
                out.text(1, name)
                out.message(2) {
                    $0.message(4) { $0.message(1) { $0.message(1) { $0.varint(1, 1) } } }
                }
            }
        }
    }

    private func tensor(_ weights: Weights, _ out: inout FieldWriter) {
        for dim in weights.dims { out.varint(1, dim) }
        out.varint(2, Int64(Self.number(weights.type)))
        out.text(8, weights.name)
        guard let file = weights.externalFile else { return out.blob(9, weights.bytes) }
        out.message(13) { entry in
            entry.text(1, "location")
            entry.text(2, file)
        }
        out.varint(14, 1)
    }

    private func value(
        _ name: String,
        _ type: DataType,
        _ dims: [Dim],
        _ out: inout FieldWriter
    ) {
        out.text(1, name)
        out.message(2) { out in
            out.message(1) { tensor in
                tensor.varint(1, Int64(Self.number(type)))
                tensor.message(2) { shape in
                    for dim in dims {
                        shape.message(1) { out in
                            switch dim {
                            case .fixed(let size): out.varint(1, size)
                            case .free(let name): out.text(2, name)
                            }
                        }
                    }
                }
            }
        }
    }

    /// The format's numbers for element types, from its specification.
    static func number(_ type: DataType) -> Int32 {
        switch type {
        case .fp32: 1
        case .uint8: 2
        case .int8: 3
        case .uint16: 4
        case .int16: 5
        case .int32: 6
        case .int64: 7
        case .bytes: 8
        case .bool: 9
        case .fp16: 10
        case .fp64: 11
        case .uint32: 12
        case .uint64: 13
        case .bf16: 16
        }
    }
}

// MARK: - The models of the tests

extension ModelBytes {
    /// y = x, rows of three elements.
    static func identity(_ type: DataType) -> ModelBytes {
        let dims: [Dim] = [.free("N"), .fixed(3)]
        return ModelBytes(
            nodes: [Node(operation: "Identity", inputs: ["x"], outputs: ["y"])],
            inputs: [("x", type, dims)],
            outputs: [("y", type, dims)]
        )
    }

    /// y = x W + b with x [N, 2], W = [[1, 2, 3], [4, 5, 6]] and b = [10, 20, 30].
    static var affine: ModelBytes {
        ModelBytes(
            nodes: [
                Node(operation: "MatMul", inputs: ["x", "W"], outputs: ["xW"]),
                Node(operation: "Add", inputs: ["xW", "b"], outputs: ["y"]),
            ],
            inputs: [("x", .fp32, [.free("N"), .fixed(2)])],
            outputs: [("y", .fp32, [.free("N"), .fixed(3)])],
            weights: [
                Weights("W", [2, 3], [1, 2, 3, 4, 5, 6]),
                Weights("b", [3], [10, 20, 30]),
            ]
        )
    }

    /// `length` matrix products in a row, each of [N, 256] by [256, 256].
    static func chain(length: Int) -> ModelBytes {
        var values = [Float](repeating: 0, count: 256 * 256)
        for index in 0..<256 { values[index * 256 + (index + 1) % 256] = 1 }
        let nodes = (0..<length).map { index in
            Node(
                operation: "MatMul",
                inputs: [index == 0 ? "x" : "t\(index - 1)", "W"],
                outputs: [index == length - 1 ? "y" : "t\(index)"]
            )
        }
        return ModelBytes(
            nodes: nodes,
            inputs: [("x", .fp32, [.free("N"), .fixed(256)])],
            outputs: [("y", .fp32, [.free("N"), .fixed(256)])],
            weights: [Weights("W", [256, 256], values)]
        )
    }

    /// y = the places where x is not zero: a shape that depends on the data.
    static var places: ModelBytes {
        ModelBytes(
            nodes: [Node(operation: "NonZero", inputs: ["x"], outputs: ["y"])],
            inputs: [("x", .fp32, [.free("N")])],
            outputs: [("y", .int64, [.fixed(1), .free("K")])]
        )
    }
}

/// The bytes of a number as the wire has them.
func littleEndian<T>(_ value: T) -> [UInt8] {
    withUnsafeBytes(of: value) { Array($0) }
}

/// The bytes of FP32 numbers as the wire has them.
func floats(_ values: [Float]) -> [UInt8] {
    values.withUnsafeBytes { Array($0) }
}
