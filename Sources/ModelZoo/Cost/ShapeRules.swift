import WireMessages

/// What shape comes out of an operation, for one item.
struct ShapeRules {
    let graph: CostGraph
    /// Shapes of everything that was computed so far, by name.
    private(set) var known: [String: [Int]]

    init(_ graph: CostGraph) {
        self.graph = graph
        known = graph.inputs
    }

    /// The shape of an input of a node: of what was computed, else of a constant.
    func shape(_ name: String) -> [Int]? { known[name] ?? graph.constants[name] }

    /// Whether nothing computes this value.
    func isConstant(_ name: String) -> Bool { known[name] == nil && graph.constants[name] != nil }

    /// Finds out the shape of a node's first output and remembers it.
    mutating func follow(_ node: Onnx_NodeProto) throws(CostError) -> [Int] {
        guard let output = node.output.first, let dims = result(of: node) else {
            throw CostError(
                "the shape that operation '\(node.name)' (\(node.opType)) gives can't be told; "
                    + "its costs can't be counted"
            )
        }
        known[output] = dims
        return dims
    }

    private func result(of node: Onnx_NodeProto) -> [Int]? {
        guard let first = node.input.first, let x = shape(first) else { return nil }
        switch node.opType {
        case "Conv": return convolved(node, x)
        case "MaxPool", "AveragePool":
            return node.numbers("kernel_shape").flatMap { window(node, x, $0, channels: x.first) }
        case "GlobalAveragePool": return x.prefix(1) + x.dropFirst().map { _ in 1 }
        case "Flatten": return [x.reduce(1, *)]
        case "Gemm": return gemm(node, x)
        case "MatMul": return product(node, x)
        case "Concat": return joined(node, x)
        case "Reshape": return reshaped(node, x)
        case "Transpose":
            guard let order = node.numbers("perm"), order.first == 0,
                order.dropFirst().allSatisfy({ (1...x.count).contains($0) })
            else { return nil }
            return order.dropFirst().map { x[$0 - 1] }
        case "Gather": return gathered(node, x)
        case "Identity", "Dropout", "Relu", "Clip", "Sigmoid", "Tanh", "Erf", "Sqrt", "Softmax",
            "BatchNormalization", "LayerNormalization", "HardSigmoid", "HardSwish", "LeakyRelu",
            "Exp", "Neg", "Cast":
            return x
        case "Add", "Sub", "Mul", "Div", "Pow": return broadcast(node, x)
        default: return nil
        }
    }

    private func convolved(_ node: Onnx_NodeProto, _ x: [Int]) -> [Int]? {
        guard node.input.count >= 2, let weights = shape(node.input[1]), weights.count > 2 else {
            return nil
        }
        return window(node, x, Array(weights.dropFirst(2)), channels: weights[0])
    }

    private func window(
        _ node: Onnx_NodeProto,
        _ x: [Int],
        _ kernel: [Int],
        channels: Int?
    ) -> [Int]? {
        let space = x.count - 1
        guard let channels, space == kernel.count else { return nil }
        let strides = node.numbers("strides") ?? Array(repeating: 1, count: space)
        let pads = node.numbers("pads") ?? Array(repeating: 0, count: 2 * space)
        let dilations = node.numbers("dilations") ?? Array(repeating: 1, count: space)
        guard strides.count == space, pads.count == 2 * space, dilations.count == space else {
            return nil
        }
        var dims = [channels]
        for axis in 0..<space {
            let padded = x[axis + 1] + pads[axis] + pads[space + axis]
            let room = padded - (kernel[axis] - 1) * dilations[axis] - 1
            guard room >= 0, strides[axis] > 0 else { return nil }
            var steps = room / strides[axis] + 1
            if node.number("ceil_mode") == 1, room % strides[axis] > 0,
                steps * strides[axis] < x[axis + 1] + pads[axis]
            {
                steps += 1
            }
            dims.append(steps)
        }
        return dims
    }

    private func gemm(_ node: Onnx_NodeProto, _ x: [Int]) -> [Int]? {
        guard node.input.count >= 2, let weights = shape(node.input[1]), weights.count == 2 else {
            return nil
        }
        return x.dropLast() + [node.number("transB") == 1 ? weights[0] : weights[1]]
    }

    private func product(_ node: Onnx_NodeProto, _ x: [Int]) -> [Int]? {
        guard node.input.count == 2, let other = shape(node.input[1]), let columns = other.last,
            other.count >= 2, other[other.count - 2] == x.last
        else { return nil }
        return x.dropLast() + [columns]
    }

    private func joined(_ node: Onnx_NodeProto, _ x: [Int]) -> [Int]? {
        guard let given = node.number("axis") else { return nil }
        let axis = given < 0 ? x.count + given : given - 1
        guard x.indices.contains(axis) else { return nil }
        var dims = x
        for name in node.input.dropFirst() {
            guard let part = shape(name), part.count == x.count else { return nil }
            dims[axis] += part[axis]
        }
        return dims
    }

    private func reshaped(_ node: Onnx_NodeProto, _ x: [Int]) -> [Int]? {
        guard node.input.count == 2, let wanted = graph.integers[node.input[1]] else { return nil }
        var dims = wanted.dropFirst().map { Int($0) }
        for place in dims.indices where dims[place] == 0 && x.indices.contains(place) {
            dims[place] = x[place]
        }
        if let place = dims.firstIndex(of: -1) {
            let rest = dims.reduce(1) { $1 == -1 ? $0 : $0 * $1 }
            guard rest > 0 else { return nil }
            dims[place] = x.reduce(1, *) / rest
        }
        return dims.reduce(1, *) == x.reduce(1, *) ? dims : nil
    }

    private func gathered(_ node: Onnx_NodeProto, _ x: [Int]) -> [Int]? {
        guard node.input.count == 2, let places = shape(node.input[1]) else { return nil }
        // A table of constants has no batch dimension, an activation has.
        let axis = (node.number("axis") ?? 0) - (isConstant(node.input[0]) ? 0 : 1)
        guard x.indices.contains(axis) else { return nil }
        return x.prefix(axis) + places + x.dropFirst(axis + 1)
    }

    private func broadcast(_ node: Onnx_NodeProto, _ x: [Int]) -> [Int]? {
        guard node.input.count == 2, var other = shape(node.input[1]) else { return nil }
        var one = x
        while one.count < other.count { one.insert(1, at: 0) }
        while other.count < one.count { other.insert(1, at: 0) }
        var dims: [Int] = []
        for (left, right) in zip(one, other) {
            guard left == right || left == 1 || right == 1 else { return nil }
            dims.append(max(left, right))
        }
        return dims
    }
}
