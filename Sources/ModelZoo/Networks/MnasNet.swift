extension NetworkGraph {
    /// MnasNet-B1, width 1, at 224 x 224 (Tan et al. 2019) in the form of torchvision's
    /// `mnasnet1_0`: no squeeze-and-excitation, ReLU throughout.
    static func mnasnet() -> NetworkGraph {
        let stages: [(channels: Int, kernel: Int, stride: Int, expansion: Int, repeats: Int)] = [
            (24, 3, 2, 3, 3), (40, 5, 2, 3, 3),
            (80, 5, 2, 6, 3), (96, 3, 1, 6, 2), (192, 5, 2, 6, 4), (320, 3, 1, 6, 1),
        ]
        var net = NetworkBuilder(input: [3, 224, 224])
        var x = net.conv("conv0", net.input, 32, .same(3, stride: 2))
        x = net.depthwise("stage0.depthwise", x, .same(3), then: .relu)
        x = net.conv("stage0.narrow", x, 16, then: .none)
        for (place, stage) in stages.enumerated() {
            for step in 0..<stage.repeats {
                x = net.invertedResidual(
                    "stage\(place + 1).\(step)",
                    x,
                    stage.channels,
                    .same(stage.kernel, stride: step == 0 ? stage.stride : 1),
                    expansion: stage.expansion,
                    then: .relu
                )
            }
        }
        x = net.conv("conv7", x, 1280)
        return net.finish(net.dense("fc", net.globalMean("mean", x), 1000))
    }
}
