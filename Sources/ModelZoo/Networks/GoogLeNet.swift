extension NetworkGraph {
    /// GoogLeNet (Inception v1) at 224 x 224 (Szegedy et al. 2015, table 1) in the form that most
    /// people run, torchvision's: batch-normalised, no auxiliary classifiers, and 3 x 3 filters
    /// where the paper has 5 x 5.
    static func googlenet() -> NetworkGraph {
        let halving = Window.valid(3, stride: 2, roundsUp: true)
        var net = NetworkBuilder(input: [3, 224, 224])
        var x = net.conv("conv1", net.input, 64, .same(7, stride: 2))
        x = net.maxPool("pool1", x, halving)
        x = net.conv("conv2", x, 64)
        x = net.conv("conv3", x, 192, .same(3))
        x = net.maxPool("pool2", x, halving)
        x = net.mixed("3a", x, [64, 96, 128, 16, 32, 32])
        x = net.mixed("3b", x, [128, 128, 192, 32, 96, 64])
        x = net.maxPool("pool3", x, halving)
        x = net.mixed("4a", x, [192, 96, 208, 16, 48, 64])
        x = net.mixed("4b", x, [160, 112, 224, 24, 64, 64])
        x = net.mixed("4c", x, [128, 128, 256, 24, 64, 64])
        x = net.mixed("4d", x, [112, 144, 288, 32, 64, 64])
        x = net.mixed("4e", x, [256, 160, 320, 32, 128, 128])
        x = net.maxPool("pool4", x, .valid(2, stride: 2, roundsUp: true))
        x = net.mixed("5a", x, [256, 160, 320, 32, 128, 128])
        x = net.mixed("5b", x, [384, 192, 384, 48, 128, 128])
        return net.finish(net.dense("fc", net.globalMean("mean", x), 1000))
    }
}

extension NetworkBuilder {
    /// Four branches side by side; `widths` in the order of the paper's table 1: 1 x 1, 3 x 3
    /// reduce, 3 x 3, 5 x 5 reduce, 5 x 5, pool projection.
    fileprivate mutating func mixed(_ name: String, _ x: Feature, _ widths: [Int]) -> Feature {
        let points = conv("\(name).1x1", x, widths[0])
        var middle = conv("\(name).3x3.reduce", x, widths[1])
        middle = conv("\(name).3x3", middle, widths[2], .same(3))
        var wide = conv("\(name).5x5.reduce", x, widths[3])
        wide = conv("\(name).5x5", wide, widths[4], .same(3))
        var pooled = maxPool("\(name).pool", x, .same(3))
        pooled = conv("\(name).pool.project", pooled, widths[5])
        return concat(name, [points, middle, wide, pooled])
    }
}
