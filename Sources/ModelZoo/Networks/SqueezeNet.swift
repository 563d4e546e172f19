extension NetworkGraph {
    /// SqueezeNet 1.1 (Iandola et al. 2016; version 1.1 of the authors' repository): as accurate
    /// as 1.0 with 2.4 times less work.
    static func squeezenet() -> NetworkGraph {
        var net = NetworkBuilder(input: [3, 224, 224])
        let halving = Window.valid(3, stride: 2, roundsUp: true)
        var x = net.conv("conv1", net.input, 64, .valid(3, stride: 2), norm: .bias)
        x = net.maxPool("pool1", x, halving)
        x = net.fire("fire2", x, squeeze: 16, expand: 64)
        x = net.fire("fire3", x, squeeze: 16, expand: 64)
        x = net.maxPool("pool3", x, halving)
        x = net.fire("fire4", x, squeeze: 32, expand: 128)
        x = net.fire("fire5", x, squeeze: 32, expand: 128)
        x = net.maxPool("pool5", x, halving)
        x = net.fire("fire6", x, squeeze: 48, expand: 192)
        x = net.fire("fire7", x, squeeze: 48, expand: 192)
        x = net.fire("fire8", x, squeeze: 64, expand: 256)
        x = net.fire("fire9", x, squeeze: 64, expand: 256)
        x = net.conv("conv10", x, 1000, norm: .bias)
        return net.finish(net.globalMean("mean", x))
    }
}

extension NetworkBuilder {
    /// A narrow 1 x 1 layer, then 1 x 1 and 3 x 3 filters side by side.
    fileprivate mutating func fire(
        _ name: String,
        _ x: Feature,
        squeeze: Int,
        expand: Int
    ) -> Feature {
        let narrow = conv("\(name).squeeze", x, squeeze, norm: .bias)
        let points = conv("\(name).expand1x1", narrow, expand, norm: .bias)
        let squares = conv("\(name).expand3x3", narrow, expand, .same(3), norm: .bias)
        return concat(name, [points, squares])
    }
}
