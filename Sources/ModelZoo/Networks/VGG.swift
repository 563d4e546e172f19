extension NetworkGraph {
    /// VGG-16 at 224 x 224 (Simonyan and Zisserman 2015, table 1, configuration D).
    static func vgg16() -> NetworkGraph {
        var net = NetworkBuilder(input: [3, 224, 224])
        var x = net.input
        let stages = [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)]
        for (place, (channels, convolutions)) in stages.enumerated() {
            for step in 1...convolutions {
                x = net.conv("conv\(place + 1)_\(step)", x, channels, .same(3), norm: .bias)
            }
            x = net.maxPool("pool\(place + 1)", x, .valid(2, stride: 2))
        }
        x = net.flatten("flat", x)
        x = net.dense("fc6", x, 4096, then: .relu)
        x = net.dense("fc7", x, 4096, then: .relu)
        return net.finish(net.dense("fc8", x, 1000))
    }
}
