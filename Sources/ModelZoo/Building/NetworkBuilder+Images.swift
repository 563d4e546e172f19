import WireMessages

/// Layers over [channels, height, width].
extension NetworkBuilder {
    /// A convolution with its normalisation or bias, and what follows it.
    ///
    /// - Parameters:
    ///   - groups: in how many groups the channels are kept apart; as many as channels for a
    ///     depthwise convolution.
    ///   - gain: the weights' variance x fan-in, where it isn't the activation's own.
    mutating func conv(
        _ name: String,
        _ x: Feature,
        _ filters: Int,
        _ window: Window = .point,
        groups: Int = 1,
        norm: Norm = .folded,
        then activation: Activation = .relu,
        gain: Double? = nil
    ) -> Feature {
        precondition(x.dims.count == 3 && x.channels % groups == 0 && filters % groups == 0)
        let fanIn = x.channels / groups * window.area
        let shape = [filters, x.channels / groups, window.kernel.rows, window.kernel.columns]
        var inputs = [x.name]
        inputs.append(
            weights("\(name).weight", shape, fanIn: fanIn, gain: gain ?? activation.gain)
        )
        var parameters = filters * fanIn
        if norm != .none {
            let noise = Constant.Content.noise(mean: 0, deviation: 0.05)
            inputs.append(constant("\(name).bias", [filters], noise))
            parameters += norm == .folded ? 2 * filters : filters
        }
        let (rows, columns) = window.size(of: x.dims[1], x.dims[2])
        var attributes = window.attributes
        if groups > 1 { attributes.append(.int("group", groups)) }
        let y = append(
            "Conv",
            name,
            inputs,
            dims: [filters, rows, columns],
            attributes: attributes,
            parameters: parameters,
            multiplyAdds: filters * fanIn * rows * columns
        )
        return activate(y, activation)
    }

    /// A depthwise convolution: one filter for each channel.
    mutating func depthwise(
        _ name: String,
        _ x: Feature,
        _ window: Window,
        then activation: Activation
    ) -> Feature {
        conv(name, x, x.channels, window, groups: x.channels, then: activation)
    }

    /// Batch normalisation as an operation of its own, where it can't be folded since it comes
    /// before the convolution; ReLU follows.
    mutating func normAndRelu(_ name: String, _ x: Feature) -> Feature {
        let channels = [x.channels]
        let inputs = [
            constant("\(name).scale", channels, .noise(mean: 1, deviation: 0.05)),
            constant("\(name).shift", channels, .noise(mean: 0, deviation: 0.05)),
            constant("\(name).mean", channels, .noise(mean: 0, deviation: 0.05)),
            constant("\(name).variance", channels, .noise(mean: 1, deviation: 0.05)),
        ]
        let y = append(
            "BatchNormalization",
            name,
            [x.name] + inputs,
            dims: x.dims,
            attributes: [.float("epsilon", 1e-5)],
            parameters: 2 * x.channels
        )
        return activate(y, .relu)
    }

    /// The largest value of each window.
    mutating func maxPool(_ name: String, _ x: Feature, _ window: Window) -> Feature {
        pool("MaxPool", name, x, window, [])
    }

    /// The mean of each window; padding counts as zeros.
    mutating func averagePool(_ name: String, _ x: Feature, _ window: Window) -> Feature {
        pool("AveragePool", name, x, window, [.int("count_include_pad", 1)])
    }

    /// The mean of each channel, as a vector.
    mutating func globalMean(_ name: String, _ x: Feature) -> Feature {
        let mean = append("GlobalAveragePool", name, [x.name], dims: [x.channels, 1, 1])
        return flatten("\(name).flat", mean)
    }

    /// All elements of an item as one vector.
    mutating func flatten(_ name: String, _ x: Feature) -> Feature {
        append("Flatten", name, [x.name], dims: [x.elements], attributes: [.int("axis", 1)])
    }

    /// The channels of several features of one height and width, one after the other.
    mutating func concat(_ name: String, _ parts: [Feature]) -> Feature {
        precondition(parts.allSatisfy { $0.dims.dropFirst() == parts[0].dims.dropFirst() })
        let channels = parts.reduce(0) { $0 + $1.channels }
        return append(
            "Concat",
            name,
            parts.map(\.name),
            dims: [channels] + parts[0].dims.dropFirst(),
            attributes: [.int("axis", 1)]
        )
    }

    /// The sum of two features of one shape.
    mutating func add(
        _ name: String,
        _ one: Feature,
        _ other: Feature,
        then activation: Activation = .none
    ) -> Feature {
        precondition(one.dims == other.dims, "\(name) adds \(one.dims) and \(other.dims)")
        return activate(append("Add", name, [one.name, other.name], dims: one.dims), activation)
    }

    /// A matrix product over a vector, with a bias.
    mutating func dense(
        _ name: String,
        _ x: Feature,
        _ outputs: Int,
        then activation: Activation = .none
    ) -> Feature {
        precondition(x.dims.count == 1, "\(name) wants a vector, not \(x.dims)")
        let inputs = x.dims[0]
        let weight = weights(
            "\(name).weight",
            [outputs, inputs],
            fanIn: inputs,
            gain: activation.gain
        )
        let bias = constant("\(name).bias", [outputs], .noise(mean: 0, deviation: 0.05))
        let y = append(
            "Gemm",
            name,
            [x.name, weight, bias],
            dims: [outputs],
            attributes: [.int("transB", 1)],
            parameters: outputs * inputs + outputs,
            multiplyAdds: outputs * inputs
        )
        return activate(y, activation)
    }

    private mutating func pool(
        _ operation: String,
        _ name: String,
        _ x: Feature,
        _ window: Window,
        _ attributes: [Onnx_AttributeProto]
    ) -> Feature {
        let (rows, columns) = window.size(of: x.dims[1], x.dims[2])
        let rounding = window.roundsUp ? [Onnx_AttributeProto.int("ceil_mode", 1)] : []
        return append(
            operation,
            name,
            [x.name],
            dims: [x.channels, rows, columns],
            attributes: window.attributes + rounding + attributes
        )
    }
}

extension Window {
    /// The window in ONNX's words.
    fileprivate var attributes: [Onnx_AttributeProto] {
        [
            .ints("kernel_shape", [kernel.rows, kernel.columns]),
            .ints("strides", [stride, stride]),
            .ints("pads", [padding.rows, padding.columns, padding.rows, padding.columns]),
        ]
    }
}
