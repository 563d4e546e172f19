extension NetworkGraph {
    /// MobileNet v2, width 1, at 224 x 224 (Sandler et al. 2018, table 2).
    static func mobilenetV2() -> NetworkGraph {
        let stages: [(expansion: Int, channels: Int, repeats: Int, stride: Int)] = [
            (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2),
            (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
        ]
        var net = NetworkBuilder(input: [3, 224, 224])
        var x = net.conv("conv0", net.input, 32, .same(3, stride: 2), then: .relu6)
        for (place, stage) in stages.enumerated() {
            for step in 0..<stage.repeats {
                x = net.invertedResidual(
                    "stage\(place + 1).\(step)",
                    x,
                    stage.channels,
                    .same(3, stride: step == 0 ? stage.stride : 1),
                    expansion: stage.expansion,
                    then: .relu6
                )
            }
        }
        x = net.conv("conv8", x, 1280, then: .relu6)
        return net.finish(net.dense("fc", net.globalMean("mean", x), 1000))
    }
}

extension NetworkBuilder {
    /// Widen, filter each channel, narrow without activation; added to what came in where the
    /// shapes agree (Sandler et al. 2018, figure 4).
    mutating func invertedResidual(
        _ name: String,
        _ x: Feature,
        _ channels: Int,
        _ window: Window,
        expansion: Int,
        then activation: Activation
    ) -> Feature {
        var y = x
        if expansion != 1 {
            y = conv("\(name).widen", y, x.channels * expansion, then: activation)
        }
        y = depthwise("\(name).depthwise", y, window, then: activation)
        let isAdded = window.stride == 1 && x.channels == channels
        // A branch that is added draws smaller, so that sums don't grow from block to block.
        y = conv("\(name).narrow", y, channels, then: .none, gain: isAdded ? 0.25 : 1)
        return isAdded ? add("\(name).add", x, y) : y
    }
}
