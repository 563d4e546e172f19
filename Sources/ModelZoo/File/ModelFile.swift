import ServingDomain
import SwiftProtobuf
import WireMessages

/// An ONNX model file as it is written: part by part, weights drawn as they are needed.
///
/// protobuf can't stream, but its format can: a message is its fields one after the other, in any
/// order, and the length of each is known beforehand. So everything but the weights is encoded by
/// the protobuf library, and the weights go in between as raw bytes.
struct ModelFile {
    /// The most that a protobuf message may take.
    static let limit = Int(Int32.max)
    /// Random values drawn at a time: 1 MiB.
    private static let chunk = 1 << 18

    /// Field numbers of onnx.proto that stand in front of a length.
    private enum Field {
        static let modelGraph: UInt8 = 7
        static let graphInitializer: UInt8 = 5
        static let tensorRawData: UInt8 = 9
    }

    /// What the file takes.
    let byteCount: Int
    private let constants: [Constant]
    private let seed: UInt64
    private let modelHead: [UInt8]
    private let graphHead: [UInt8]
    private let tensorHeads: [[UInt8]]

    /// Lays the file out.
    init(_ graph: NetworkGraph, named name: String, seed: UInt64) throws(ZooError) {
        let heads = graph.constants.map { Self.head(of: $0) }
        let graphFields = Self.encoded(Self.fields(of: graph, named: name))
        var graphBytes = graphFields.count
        for (constant, head) in zip(graph.constants, heads) {
            let tensor = head.count + constant.byteCount
            graphBytes += Self.prefix(Field.graphInitializer, tensor).count + tensor
        }
        let modelHead =
            Self.encoded(Self.model(named: name, seed: seed))
            + Self.prefix(Field.modelGraph, graphBytes)
        byteCount = modelHead.count + graphBytes
        guard byteCount <= Self.limit else {
            throw .tooLarge(name, bytes: byteCount, limit: Self.limit)
        }
        self.modelHead = modelHead
        graphHead = graphFields
        tensorHeads = heads
        constants = graph.constants
        self.seed = seed
    }

    /// Gives all bytes of the file to `sink`, in parts of at most a MiB but for the first few.
    func write<E: Error>(_ sink: (UnsafeRawBufferPointer) throws(E) -> Void) throws(E) {
        try Self.pass(modelHead, to: sink)
        try Self.pass(graphHead, to: sink)
        var values = [UInt32](repeating: 0, count: Self.chunk)
        for (constant, head) in zip(constants, tensorHeads) {
            let tensor = head.count + constant.byteCount
            try Self.pass(Self.prefix(Field.graphInitializer, tensor) + head, to: sink)
            switch constant.content {
            case .integers(let numbers):
                try Self.pass(numbers.map(\.littleEndian), to: sink)
            case .filled(let value):
                let bits = value.bitPattern.littleEndian
                try Self.pass(Array(repeating: bits, count: constant.count), to: sink)
            case .noise(let mean, let deviation):
                var stream = WeightStream(seed: seed, tensor: constant.name)
                var left = constant.count
                while left > 0 {
                    let count = min(left, values.count)
                    values.withUnsafeMutableBufferPointer {
                        let part = UnsafeMutableBufferPointer(rebasing: $0[..<count])
                        stream.fill(part, mean: mean, deviation: deviation)
                    }
                    try Self.pass(values[..<count], to: sink)
                    left -= count
                }
            }
        }
    }

    // MARK: - Encoding

    private static func pass<E: Error>(
        _ values: some RandomAccessCollection<some FixedWidthInteger>,
        to sink: (UnsafeRawBufferPointer) throws(E) -> Void
    ) throws(E) {
        var failure: E?
        let found: Void? = values.withContiguousStorageIfAvailable { part in
            do throws(E) { try sink(UnsafeRawBufferPointer(part)) } catch { failure = error }
        }
        precondition(found != nil, "arrays and their slices lie in one piece")
        if let failure { throw failure }
    }

    /// Tag and length of a field that holds bytes or a message.
    private static func prefix(_ field: UInt8, _ length: Int) -> [UInt8] {
        var bytes = [field << 3 | 2]
        var rest = UInt64(length)
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
        return bytes
    }

    private static func encoded(_ message: some Message) -> [UInt8] {
        do {
            return try message.serializedBytes()
        } catch {
            // Encoding fails only for missing required fields, which proto3 doesn't have, and
            // beyond 2 GB, of which no part without weights comes near.
            preconditionFailure("\(error)")
        }
    }

    /// A tensor up to its values: shape, type, name, and the prefix of the raw data.
    private static func head(of constant: Constant) -> [UInt8] {
        let fields = Onnx_TensorProto.with {
            $0.name = constant.name
            $0.dims = constant.dims.map(Int64.init)
            $0.dataType = Int32(constant.elementType.rawValue)
        }
        return encoded(fields) + prefix(Field.tensorRawData, constant.byteCount)
    }

    private static func model(named name: String, seed: UInt64) -> Onnx_ModelProto {
        .with {
            $0.irVersion = 8
            $0.producerName = "sluice zoo"
            $0.docString = "\(name) with random weights drawn from seed \(seed)"
            $0.opsetImport = [.with { $0.version = 17 }]
        }
    }

    private static func fields(of graph: NetworkGraph, named name: String) -> Onnx_GraphProto {
        .with {
            $0.name = name
            $0.node = graph.nodes
            $0.input = [value(graph.input, graph.inputType == .int64 ? .int64 : .float)]
            $0.output = [value(graph.output, .float)]
        }
    }

    private static func value(
        _ feature: Feature,
        _ type: Onnx_TensorProto.DataType
    ) -> Onnx_ValueInfoProto {
        let batch = Onnx_TensorShapeProto.Dimension.with { $0.dimParam = "batch" }
        let rest = feature.dims.map { size in
            Onnx_TensorShapeProto.Dimension.with { $0.dimValue = Int64(size) }
        }
        return .with {
            $0.name = feature.name
            $0.type.tensorType.elemType = Int32(type.rawValue)
            $0.type.tensorType.shape.dim = [batch] + rest
        }
    }
}

extension Constant {
    /// ONNX's word for the element type.
    fileprivate var elementType: Onnx_TensorProto.DataType {
        switch content {
        case .noise, .filled: .float
        case .integers: .int64
        }
    }
}
