extension NetworkGraph {
    /// Inception v3 at 299 x 299 (Szegedy et al. 2016, table 1) without the auxiliary classifier,
    /// which only training uses.
    static func inceptionV3() -> NetworkGraph {
        var net = NetworkBuilder(input: [3, 299, 299])
        var x = net.conv("1a", net.input, 32, .valid(3, stride: 2))
        x = net.conv("2a", x, 32, .valid(3))
        x = net.conv("2b", x, 64, .same(3))
        x = net.maxPool("pool1", x, .valid(3, stride: 2))
        x = net.conv("3b", x, 80)
        x = net.conv("4a", x, 192, .valid(3))
        x = net.maxPool("pool2", x, .valid(3, stride: 2))
        x = net.squares("5b", x, pooled: 32)
        x = net.squares("5c", x, pooled: 64)
        x = net.squares("5d", x, pooled: 64)
        x = net.shrinkTo17("6a", x)
        x = net.strips("6b", x, narrow: 128)
        x = net.strips("6c", x, narrow: 160)
        x = net.strips("6d", x, narrow: 160)
        x = net.strips("6e", x, narrow: 192)
        x = net.shrinkTo8("7a", x)
        x = net.fans("7b", x)
        x = net.fans("7c", x)
        return net.finish(net.dense("fc", net.globalMean("mean", x), 1000))
    }
}

extension NetworkBuilder {
    /// 35 x 35: 1 x 1, 5 x 5, two 3 x 3 in a row, pool (figure 5 of the paper).
    fileprivate mutating func squares(_ name: String, _ x: Feature, pooled: Int) -> Feature {
        let points = conv("\(name).1x1", x, 64)
        let wide = chain("\(name).5x5", x, [(48, .point), (64, .same(5))])
        let double = chain("\(name).3x3", x, [(64, .point), (96, .same(3)), (96, .same(3))])
        return concat(name, [points, wide, double, pooledBranch(name, x, pooled)])
    }

    /// 35 x 35 to 17 x 17 (figure 10).
    fileprivate mutating func shrinkTo17(_ name: String, _ x: Feature) -> Feature {
        let halving = Window.valid(3, stride: 2)
        let single = conv("\(name).3x3", x, 384, halving)
        let double = chain("\(name).double", x, [(64, .point), (96, .same(3)), (96, halving)])
        return concat(name, [single, double, maxPool("\(name).pool", x, halving)])
    }

    /// 17 x 17: 7 x 7 filters split into strips of 1 x 7 and 7 x 1 (figure 6, n = 7).
    fileprivate mutating func strips(_ name: String, _ x: Feature, narrow: Int) -> Feature {
        let (across, down) = (Window.same(1, 7), Window.same(7, 1))
        let points = conv("\(name).1x1", x, 192)
        let single = chain(
            "\(name).7x7",
            x,
            [(narrow, .point), (narrow, across), (192, down)]
        )
        let double = chain(
            "\(name).double",
            x,
            [(narrow, .point), (narrow, down), (narrow, across), (narrow, down), (192, across)]
        )
        return concat(name, [points, single, double, pooledBranch(name, x, 192)])
    }

    /// 17 x 17 to 8 x 8.
    fileprivate mutating func shrinkTo8(_ name: String, _ x: Feature) -> Feature {
        let halving = Window.valid(3, stride: 2)
        let single = chain("\(name).3x3", x, [(192, .point), (320, halving)])
        let strips = chain(
            "\(name).7x7",
            x,
            [(192, .point), (192, .same(1, 7)), (192, .same(7, 1)), (192, halving)]
        )
        return concat(name, [single, strips, maxPool("\(name).pool", x, halving)])
    }

    /// 8 x 8: branches that fan out into 1 x 3 and 3 x 1 side by side (figure 7).
    fileprivate mutating func fans(_ name: String, _ x: Feature) -> Feature {
        let points = conv("\(name).1x1", x, 320)
        let narrow = conv("\(name).3x3", x, 384)
        let double = chain("\(name).double", x, [(448, .point), (384, .same(3))])
        return concat(
            name,
            [
                points, fan("\(name).3x3.fan", narrow), fan("\(name).double.fan", double),
                pooledBranch(name, x, 192),
            ]
        )
    }

    private mutating func fan(_ name: String, _ x: Feature) -> Feature {
        let across = conv("\(name).1x3", x, 384, .same(1, 3))
        let down = conv("\(name).3x1", x, 384, .same(3, 1))
        return concat(name, [across, down])
    }

    private mutating func pooledBranch(_ name: String, _ x: Feature, _ filters: Int) -> Feature {
        conv("\(name).pool.project", averagePool("\(name).pool", x, .same(3)), filters)
    }

    private mutating func chain(
        _ name: String,
        _ x: Feature,
        _ steps: [(filters: Int, window: Window)]
    ) -> Feature {
        var x = x
        for (place, step) in steps.enumerated() {
            x = conv("\(name).\(place + 1)", x, step.filters, step.window)
        }
        return x
    }
}
