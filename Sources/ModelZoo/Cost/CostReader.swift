public import ServingDomain
import SwiftProtobuf
import WireMessages

/// Counts what a network costs from its ONNX graph: the same numbers as the committed tables, for
/// networks that have none.
public enum CostReader {
    /// Reads the costs of a model file. Takes the file's size in memory, twice.
    ///
    /// - Throws: `CostError` where the bytes are no model, or an operation is not known.
    public static func cost(
        ofModel bytes: [UInt8],
        named name: String
    ) throws(CostError) -> NetworkCost {
        let model: Onnx_ModelProto
        do {
            model = try Onnx_ModelProto(serializedBytes: bytes)
        } catch {
            throw CostError("'\(name)' is no ONNX model; check the file")
        }
        return try cost(of: CostGraph(model.graph), named: name)
    }

    static func cost(of graph: CostGraph, named name: String) throws(CostError) -> NetworkCost {
        var counter = Counter(graph)
        var place = 0
        while place < graph.nodes.count {
            place += try counter.count(graph.nodes[place...])
        }
        // Shapes and indices are no weights.
        let constants = graph.constants.filter { graph.integers[$0.key] == nil }
        let stored = constants.values.reduce(0) { $0 + $1.reduce(1, *) }
        return NetworkCost(
            name: name,
            inputBytes: Int64(graph.inputBytes),
            outputBytes: counter.kernels.last?.writeBytes ?? 0,
            storedBytes: 4 * Int64(stored),
            kernels: counter.kernels
        )
        .gathered()
    }
}

extension ZooNetwork {
    /// What the network costs, operation by operation, counted from its graph.
    ///
    /// - Throws: `CostError` where an operation is not known, which none of the zoo's is.
    public func cost() throws(CostError) -> NetworkCost {
        try CostReader.cost(of: CostGraph(make()), named: name)
    }
}

/// Goes through a graph node by node.
private struct Counter {
    private var rules: ShapeRules
    private(set) var kernels: [KernelCost] = []

    /// GELU in its exact form, which every engine runs as one operation.
    private static let gelu = ["Div", "Erf", "Add", "Mul", "Mul"]

    init(_ graph: CostGraph) { rules = ShapeRules(graph) }

    /// Counts the first operation of `nodes`, and those that belong to it.
    ///
    /// - Returns: how many nodes that were.
    mutating func count(_ nodes: ArraySlice<Onnx_NodeProto>) throws(CostError) -> Int {
        guard let node = nodes.first else { return 0 }
        if node.opType == "Constant" { return 1 }
        if nodes.prefix(Self.gelu.count).map(\.opType) == Self.gelu {
            for part in nodes.prefix(Self.gelu.count) { _ = try rules.follow(part) }
            let size = try elements(node.input[0], of: node)
            append(.elementwise, reads: size, writes: size)
            return Self.gelu.count
        }
        let dims = try rules.follow(node)
        let writes = dims.reduce(1, *)
        switch node.opType {
        case "Conv": try conv(node, dims)
        case "Gemm": try product(node, writes, bias: node.input.count > 2 ? node.input[2] : nil)
        case "MatMul": return try matMul(node, nodes.dropFirst().first, writes)
        case "MaxPool", "AveragePool", "GlobalAveragePool":
            append(.pool, reads: try elements(node.input[0], of: node), writes: writes)
        case "BatchNormalization", "LayerNormalization", "Softmax":
            append(.normalise, weights: weights(node), reads: writes, writes: writes)
        case "Concat", "Transpose", "Gather": append(.copy, reads: writes, writes: writes)
        case "Reshape", "Flatten", "Identity", "Dropout": break
        default:
            var reads = 0
            for name in node.input where !name.isEmpty && !rules.isConstant(name) {
                reads += try elements(name, of: node)
            }
            append(.elementwise, weights: weights(node), reads: reads, writes: writes)
        }
        return 1
    }

    private mutating func conv(_ node: Onnx_NodeProto, _ dims: [Int]) throws(CostError) {
        guard node.input.count >= 2, let filter = rules.shape(node.input[1]) else {
            throw CostError("convolution '\(node.name)' has no weights; check the file")
        }
        let groups = node.number("group") ?? 1
        let strides = node.numbers("strides") ?? [1, 1]
        let kind: KernelCost.Kind
        if groups > 1 {
            kind = .depthwise
        } else {
            let is3x3 = Array(filter.dropFirst(2)) == [3, 3] && strides == [1, 1]
            kind = is3x3 ? .conv3x3 : .conv
        }
        let writes = dims.reduce(1, *)
        append(
            kind,
            steps: writes * filter.dropFirst().reduce(1, *),
            weights: weights(node),
            reads: try elements(node.input[0], of: node),
            writes: writes
        )
    }

    /// A product, and the constant that is added to it, which counts as its bias.
    private mutating func matMul(
        _ node: Onnx_NodeProto,
        _ next: Onnx_NodeProto?,
        _ writes: Int
    ) throws(CostError) -> Int {
        guard rules.isConstant(node.input[1]) else {
            let (one, other) = (node.input[0], node.input[1])
            let columns = rules.shape(other)?.last ?? 1
            let rows = try elements(one, of: node)
            append(
                .attend,
                steps: rows * columns,
                reads: rows + (try elements(other, of: node)),
                writes: writes
            )
            return 1
        }
        guard let next, next.opType == "Add", next.input.count == 2,
            let place = next.input.firstIndex(of: node.output[0]),
            rules.isConstant(next.input[1 - place])
        else {
            try product(node, writes, bias: nil)
            return 1
        }
        _ = try rules.follow(next)
        try product(node, writes, bias: next.input[1 - place])
        return 2
    }

    private mutating func product(
        _ node: Onnx_NodeProto,
        _ writes: Int,
        bias: String?
    ) throws(CostError) {
        let reads = try elements(node.input[0], of: node)
        let matrix = try elements(node.input[1], of: node)
        let inner = rules.shape(node.input[0])?.last ?? 1
        append(
            .matmul,
            steps: writes * inner,
            weights: matrix + (bias.flatMap { rules.shape($0)?.reduce(1, *) } ?? 0),
            reads: reads,
            writes: writes
        )
    }

    /// Values of a node's constants; single numbers and lists of integers don't count.
    private func weights(_ node: Onnx_NodeProto) -> Int {
        node.input.reduce(0) { sum, name in
            guard rules.isConstant(name), rules.graph.integers[name] == nil else { return sum }
            let count = rules.shape(name)?.reduce(1, *) ?? 0
            return count > 1 ? sum + count : sum
        }
    }

    private func elements(_ name: String, of node: Onnx_NodeProto) throws(CostError) -> Int {
        guard let dims = rules.shape(name) else {
            throw CostError(
                "operation '\(node.name)' (\(node.opType)) reads '\(name)', which nothing gives"
            )
        }
        return dims.reduce(1, *)
    }

    private mutating func append(
        _ kind: KernelCost.Kind,
        steps: Int = 0,
        weights: Int = 0,
        reads: Int,
        writes: Int
    ) {
        kernels.append(
            KernelCost(
                kind,
                flops: 2 * Int64(steps),
                weightBytes: 4 * Int64(weights),
                readBytes: 4 * Int64(reads),
                writeBytes: 4 * Int64(writes)
            )
        )
    }
}
