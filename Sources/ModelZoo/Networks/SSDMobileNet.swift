extension NetworkGraph {
    /// SSD with MobileNet v1 at 300 x 300 and 91 classes, as in TensorFlow's object detection
    /// models (Liu et al. 2016; Howard et al. 2017, section 4.6): six feature maps, 1,917 anchors.
    ///
    /// The output is raw, [1917, 95]: for each anchor four box offsets, then 91 class scores.
    /// Decoding the boxes and suppressing overlaps is left to the client.
    static func ssdMobilenetV1() -> NetworkGraph {
        let classes = 91
        var net = NetworkBuilder(input: [3, 300, 300])
        let trunk = net.mobilenetV1Trunk(hundredths: 100)
        var maps = [trunk.block11, trunk.last]
        for (place, depth) in [512, 256, 256, 128].enumerated() {
            let name = "extra\(place + 1)"
            let narrow = net.conv("\(name).narrow", maps[maps.count - 1], depth / 2, then: .relu6)
            maps.append(net.conv(name, narrow, depth, .same(3, stride: 2), then: .relu6))
        }
        var boxes: [Feature] = []
        var scores: [Feature] = []
        for (place, map) in maps.enumerated() {
            let anchors = place == 0 ? 3 : 6
            boxes.append(net.predict("boxes\(place + 1)", map, anchors: anchors, values: 4))
            scores.append(
                net.predict("classes\(place + 1)", map, anchors: anchors, values: classes)
            )
        }
        let allBoxes = net.concat("boxes", boxes)
        let allScores = net.concat("classes", scores)
        let both = net.append(
            "Concat",
            "detections",
            [allBoxes.name, allScores.name],
            dims: [allBoxes.channels, 4 + classes],
            attributes: [.int("axis", 2)]
        )
        return net.finish(both)
    }
}

extension NetworkBuilder {
    /// A 1 x 1 convolution that gives `values` numbers for each anchor of each pixel, as
    /// [pixels x anchors, values].
    fileprivate mutating func predict(
        _ name: String,
        _ map: Feature,
        anchors: Int,
        values: Int
    ) -> Feature {
        let raw = conv("\(name).conv", map, anchors * values, norm: .bias, then: .none)
        let last = transpose("\(name).last", raw, [1, 2, 0])
        return reshape(name, last, [last.elements / values, values])
    }
}
