extension NetworkGraph {
    /// DenseNet-161 at 224 x 224 (Huang et al. 2017, table 1: growth 48, 96 channels to start
    /// with). Normalisations that come before a convolution stay operations of their own, since
    /// each sees the channels of many layers; those behind one are folded.
    static func densenet161() -> NetworkGraph {
        let growth = 48
        var net = NetworkBuilder(input: [3, 224, 224])
        var x = net.conv("conv0", net.input, 2 * growth, .same(7, stride: 2))
        x = net.maxPool("pool0", x, .same(3, stride: 2))
        let blocks = [6, 12, 36, 24]
        for (place, layers) in blocks.enumerated() {
            for layer in 1...layers {
                x = net.denseLayer("block\(place + 1).\(layer)", x, growth: growth)
            }
            if place < blocks.count - 1 {
                x = net.transition("transition\(place + 1)", x)
            }
        }
        x = net.normAndRelu("norm5", x)
        return net.finish(net.dense("fc", net.globalMean("mean", x), 1000))
    }
}

extension NetworkBuilder {
    /// `growth` new channels computed from all that came before, and set beside them.
    fileprivate mutating func denseLayer(_ name: String, _ x: Feature, growth: Int) -> Feature {
        var y = normAndRelu("\(name).norm1", x)
        y = conv("\(name).conv1", y, 4 * growth)
        // What reads these channels starts with a ReLU: the gain is that of one.
        y = conv("\(name).conv2", y, growth, .same(3), norm: .none, then: .none, gain: 2)
        return concat(name, [x, y])
    }

    /// Half the channels, half the height and width.
    fileprivate mutating func transition(_ name: String, _ x: Feature) -> Feature {
        var y = normAndRelu("\(name).norm", x)
        y = conv("\(name).conv", y, x.channels / 2, norm: .none, then: .none, gain: 2)
        y = averagePool("\(name).pool", y, .valid(2, stride: 2))
        return y
    }
}
