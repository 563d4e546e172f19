extension NetworkGraph {
    /// ResNet-50 at 224 x 224 (He et al. 2016, table 1), version 1.5: the stride stands in the
    /// 3 x 3 convolution, as in torchvision and in the MLPerf reference.
    static func resnet50() -> NetworkGraph {
        var net = NetworkBuilder(input: [3, 224, 224])
        var x = net.conv("conv1", net.input, 64, .same(7, stride: 2))
        x = net.maxPool("pool1", x, .same(3, stride: 2))
        for (place, blocks) in [3, 4, 6, 3].enumerated() {
            for block in 0..<blocks {
                x = net.bottleneck(
                    "layer\(place + 1).\(block)",
                    x,
                    narrow: 64 << place,
                    stride: block == 0 && place > 0 ? 2 : 1,
                    projects: block == 0
                )
            }
        }
        return net.finish(net.dense("fc", net.globalMean("mean", x), 1000))
    }
}

extension NetworkBuilder {
    /// Narrow, filter, widen fourfold, add to what came in (figure 5, right).
    fileprivate mutating func bottleneck(
        _ name: String,
        _ x: Feature,
        narrow: Int,
        stride: Int,
        projects: Bool
    ) -> Feature {
        var y = conv("\(name).conv1", x, narrow)
        y = conv("\(name).conv2", y, narrow, .same(3, stride: stride))
        // The branch draws smaller than the shortcut, so that sums don't grow from block to block.
        y = conv("\(name).conv3", y, 4 * narrow, then: .none, gain: 0.25)
        var shortcut = x
        if projects {
            let window = Window.valid(1, stride: stride)
            shortcut = conv("\(name).shortcut", x, 4 * narrow, window, then: .none)
        }
        return add("\(name).add", y, shortcut, then: .relu)
    }
}
