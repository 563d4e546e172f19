extension NetworkGraph {
    /// One matrix product, 16 to 16: as good as no work, so that a request costs what the server
    /// costs. The peers' benchmark kit uses the same shape.
    static func tiny() -> NetworkGraph {
        var net = NetworkBuilder(input: [16])
        return net.finish(net.dense("dense", net.input, 16))
    }
}
