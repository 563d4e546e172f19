extension NetworkGraph {
    /// MobileNet v1 at 224 x 224 (Howard et al. 2017, table 1); `hundredths` is the width
    /// multiplier in per cent: 100, 50 or 25.
    static func mobilenetV1(hundredths: Int) -> NetworkGraph {
        var net = NetworkBuilder(input: [3, 224, 224])
        let stages = net.mobilenetV1Trunk(hundredths: hundredths)
        let x = net.globalMean("mean", stages.last)
        return net.finish(net.dense("fc", x, 1000))
    }
}

extension NetworkBuilder {
    /// The 27 convolutions of MobileNet v1, with what comes out of the 11th block and the last:
    /// the two places where SSD looks.
    mutating func mobilenetV1Trunk(hundredths: Int) -> (block11: Feature, last: Feature) {
        let blocks = [
            (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1), (512, 1),
            (512, 1), (512, 1), (512, 1), (1024, 2), (1024, 1),
        ]
        var x = conv(
            "conv0",
            input,
            32 * hundredths / 100,
            .same(3, stride: 2),
            then: .relu6
        )
        var block11 = x
        for (place, (channels, stride)) in blocks.enumerated() {
            let name = "block\(place + 1)"
            x = depthwise("\(name).depthwise", x, .same(3, stride: stride), then: .relu6)
            x = conv("\(name).pointwise", x, channels * hundredths / 100, then: .relu6)
            if place == 10 { block11 = x }
        }
        return (block11, x)
    }
}
