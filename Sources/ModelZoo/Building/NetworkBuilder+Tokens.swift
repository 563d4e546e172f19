import WireMessages

/// Layers over [tokens, width].
extension NetworkBuilder {
    /// Rows of a table, one for each index in `indices`; a trained table counts whole.
    mutating func lookUp(
        _ name: String,
        rows: Int,
        width: Int,
        indices: Feature,
        deviation: Float
    ) -> Feature {
        let table = constant("\(name).table", [rows, width], .noise(mean: 0, deviation: deviation))
        return append(
            "Gather",
            name,
            [table, indices.name],
            dims: indices.dims + [width],
            attributes: [.int("axis", 0)],
            parameters: rows * width
        )
    }

    /// A matrix product over the last dimension, with a bias.
    mutating func linear(_ name: String, _ x: Feature, _ outputs: Int) -> Feature {
        let inputs = x.dims[x.dims.count - 1]
        let weight = weights("\(name).weight", [inputs, outputs], fanIn: inputs, gain: 1)
        let bias = constant("\(name).bias", [outputs], .noise(mean: 0, deviation: 0.05))
        let dims = Array(x.dims.dropLast()) + [outputs]
        let product = append(
            "MatMul",
            name,
            [x.name, weight],
            dims: dims,
            parameters: inputs * outputs,
            multiplyAdds: x.elements * outputs
        )
        return append("Add", "\(name).add", [product.name, bias], dims: dims, parameters: outputs)
    }

    /// The product of two stacks of matrices.
    mutating func matrixProduct(_ name: String, _ one: Feature, _ other: Feature) -> Feature {
        let (inner, columns) = (other.dims[other.dims.count - 2], other.dims[other.dims.count - 1])
        precondition(one.dims.last == inner && one.dims.dropLast(2) == other.dims.dropLast(2))
        return append(
            "MatMul",
            name,
            [one.name, other.name],
            dims: one.dims.dropLast() + [columns],
            multiplyAdds: one.elements * columns
        )
    }

    /// Layer normalisation over the last dimension.
    mutating func layerNorm(_ name: String, _ x: Feature) -> Feature {
        let width = x.dims[x.dims.count - 1]
        let scale = constant("\(name).scale", [width], .noise(mean: 1, deviation: 0.05))
        let shift = constant("\(name).shift", [width], .noise(mean: 0, deviation: 0.05))
        return append(
            "LayerNormalization",
            name,
            [x.name, scale, shift],
            dims: x.dims,
            attributes: [.int("axis", -1), .float("epsilon", 1e-12)],
            parameters: 2 * width
        )
    }

    /// x / 2 x (1 + erf(x / sqrt 2)), the exact form (Hendrycks and Gimpel 2016), from operations
    /// that operator set 17 has.
    mutating func gelu(_ name: String, _ x: Feature) -> Feature {
        let root = constant("sqrt2", [], .filled(Float(2).squareRoot()))
        let one = constant("one", [], .filled(1))
        let half = constant("half", [], .filled(0.5))
        let scaled = append("Div", "\(name).div", [x.name, root], dims: x.dims)
        let erf = append("Erf", "\(name).erf", [scaled.name], dims: x.dims)
        let risen = append("Add", "\(name).add", [erf.name, one], dims: x.dims)
        let product = append("Mul", "\(name).mul", [x.name, risen.name], dims: x.dims)
        return append("Mul", name, [product.name, half], dims: x.dims)
    }

    /// The same elements in another shape; the batch dimension stays.
    mutating func reshape(_ name: String, _ x: Feature, _ dims: [Int]) -> Feature {
        precondition(dims.reduce(1, *) == x.elements, "\(name): \(x.dims) doesn't fit \(dims)")
        // 0 copies the batch dimension of the input.
        let values = [0] + dims.map(Int64.init)
        let words = dims.map(String.init).joined(separator: "x")
        let shape = constant("shape.\(words)", [values.count], .integers(values))
        return append("Reshape", name, [x.name, shape], dims: dims)
    }

    /// The dimensions in another order; `order` leaves out the batch dimension and counts from 0.
    mutating func transpose(_ name: String, _ x: Feature, _ order: [Int]) -> Feature {
        precondition(order.sorted() == Array(x.dims.indices))
        return append(
            "Transpose",
            name,
            [x.name],
            dims: order.map { x.dims[$0] },
            attributes: [.ints("perm", [0] + order.map { $0 + 1 })]
        )
    }

    /// Self-attention of all tokens to all tokens in several heads (Vaswani et al. 2017, section
    /// 3.2), with its output projection; no mask, since every token counts.
    mutating func attention(_ name: String, _ x: Feature, heads: Int) -> Feature {
        let (tokens, width) = (x.dims[0], x.dims[1])
        let depth = width / heads
        let split = [tokens, heads, depth]
        let query = linear("\(name).query", x, width)
        let key = linear("\(name).key", x, width)
        let value = linear("\(name).value", x, width)
        let queries = transpose(
            "\(name).query.heads",
            reshape("\(name).query.split", query, split),
            [1, 0, 2]
        )
        let keys = transpose(
            "\(name).key.heads",
            reshape("\(name).key.split", key, split),
            [1, 2, 0]
        )
        let values = transpose(
            "\(name).value.heads",
            reshape("\(name).value.split", value, split),
            [1, 0, 2]
        )
        let scale = constant("sqrt.depth", [], .filled(Float(depth).squareRoot()))
        let raw = matrixProduct("\(name).scores", queries, keys)
        let scores = append("Div", "\(name).scaled", [raw.name, scale], dims: raw.dims)
        let shares = append(
            "Softmax",
            "\(name).shares",
            [scores.name],
            dims: scores.dims,
            attributes: [.int("axis", -1)]
        )
        let mixed = matrixProduct("\(name).mixed", shares, values)
        let joined = reshape(
            "\(name).joined",
            transpose("\(name).mixed.tokens", mixed, [1, 0, 2]),
            [tokens, width]
        )
        return linear("\(name).output", joined, width)
    }
}
