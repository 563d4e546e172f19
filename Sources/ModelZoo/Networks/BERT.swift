import ServingDomain

extension NetworkGraph {
    /// BERT-base, uncased (Devlin et al. 2019: 12 layers, width 768, 12 heads), with its pooler.
    ///
    /// The input is INT64 [tokens] of word pieces below 30,522; every token counts and all belong
    /// to segment 0. The output is the pooled vector of the first token, [768].
    static func bertBase(tokens: Int = 14) -> NetworkGraph {
        let width = 768
        var net = NetworkBuilder(input: [tokens], type: .int64)
        var x = net.embed(tokens: tokens, width: width)
        for layer in 0..<12 {
            let name = "layer\(layer)"
            let mixed = net.attention("\(name).attention", x, heads: 12)
            x = net.layerNorm("\(name).norm1", net.add("\(name).add1", x, mixed))
            var y = net.gelu("\(name).gelu", net.linear("\(name).widen", x, 4 * width))
            y = net.linear("\(name).narrow", y, width)
            x = net.layerNorm("\(name).norm2", net.add("\(name).add2", x, y))
        }
        // A single number, not a list of one: it takes the dimension of the tokens away.
        let place = net.constant("first", [], .integers([0]))
        let first = net.append(
            "Gather",
            "first.token",
            [x.name, place],
            dims: [width],
            attributes: [.int("axis", 1)]
        )
        return net.finish(net.dense("pooler", first, width, then: .tanh))
    }
}

extension NetworkBuilder {
    /// The sum of what each word piece, each place and segment 0 stand for, normalised.
    fileprivate mutating func embed(tokens: Int, width: Int) -> Feature {
        // BERT draws its tables with deviation 0.02 (Devlin et al. 2019's released code).
        let deviation: Float = 0.02
        let words = lookUp(
            "words",
            rows: 30_522,
            width: width,
            indices: input,
            deviation: deviation
        )
        // Places and the segment are the same for every item: they broadcast over the batch.
        let order = (0..<tokens).map(Int64.init)
        let places = lookUp(
            "places",
            rows: 512,
            width: width,
            indices: Feature(
                name: constant("places.order", [tokens], .integers(order)),
                dims: [tokens]
            ),
            deviation: deviation
        )
        let segment = lookUp(
            "segments",
            rows: 2,
            width: width,
            indices: Feature(name: constant("segment", [1], .integers([0])), dims: [1]),
            deviation: deviation
        )
        let both = append("Add", "embedded", [words.name, places.name], dims: words.dims)
        let all = append("Add", "embedded.all", [both.name, segment.name], dims: words.dims)
        return layerNorm("embedded.norm", all)
    }
}
