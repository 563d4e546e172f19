extension NetworkGraph {
    /// LeNet-5 for 28 x 28 digits (LeCun et al. 1998, figure 2) in today's usual form: ReLU, max
    /// pooling, and every map of the second convolution connected to all maps below.
    static func lenet() -> NetworkGraph {
        var net = NetworkBuilder(input: [1, 28, 28])
        var x = net.conv("conv1", net.input, 6, .same(5), norm: .bias)
        x = net.maxPool("pool1", x, .valid(2, stride: 2))
        x = net.conv("conv2", x, 16, .valid(5), norm: .bias)
        x = net.maxPool("pool2", x, .valid(2, stride: 2))
        x = net.flatten("flat", x)
        x = net.dense("fc1", x, 120, then: .relu)
        x = net.dense("fc2", x, 84, then: .relu)
        return net.finish(net.dense("fc3", x, 10))
    }
}
