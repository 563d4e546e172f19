/// Standard networks with seeded random weights, written as ONNX: something of the right shape,
/// size and cost to serve, wherever trained weights don't matter.
///
/// Every network has one input `x` and one output `y`; the batch dimension is free. The same name
/// and seed give the same bytes on every machine. The files hold operator set 17, format 8.
public enum Zoo {
    /// All networks, small to large. The first use builds each once, without weights: about 0.1 s.
    public static let networks: [ZooNetwork] = [
        ZooNetwork("tiny", "one 16 x 16 matrix product; measures the server", batchLimit: 64) {
            .tiny()
        },
        ZooNetwork("lenet", "LeNet-5, 28 x 28 digits", batchLimit: 64) { .lenet() },
        ZooNetwork("mobilenet_v1_025", "MobileNet v1, width 0.25, 224 x 224") {
            .mobilenetV1(hundredths: 25)
        },
        ZooNetwork("squeezenet", "SqueezeNet 1.1, 224 x 224") { .squeezenet() },
        ZooNetwork("mobilenet_v1_050", "MobileNet v1, width 0.5, 224 x 224") {
            .mobilenetV1(hundredths: 50)
        },
        ZooNetwork("mobilenet_v2", "MobileNet v2, width 1, 224 x 224") { .mobilenetV2() },
        ZooNetwork("mobilenet_v1", "MobileNet v1, width 1, 224 x 224") {
            .mobilenetV1(hundredths: 100)
        },
        ZooNetwork("mnasnet1_0", "MnasNet B1, width 1, 224 x 224") { .mnasnet() },
        ZooNetwork("googlenet", "GoogLeNet with batch normalisation, 224 x 224") { .googlenet() },
        ZooNetwork("ssd-mobilenet_v1", "SSD on MobileNet v1, 91 classes, 300 x 300") {
            .ssdMobilenetV1()
        },
        ZooNetwork("inception_v3", "Inception v3, 299 x 299") { .inceptionV3() },
        ZooNetwork("resnet50", "ResNet-50 v1.5, 224 x 224") { .resnet50() },
        ZooNetwork("densenet161", "DenseNet-161, 224 x 224") { .densenet161() },
        ZooNetwork("bert-base", "BERT-base uncased with pooler, 14 tokens") { .bertBase() },
        ZooNetwork("vgg16", "VGG-16, 224 x 224") { .vgg16() },
    ]

    /// The network of this name.
    ///
    /// - Throws: `ZooError.unknownNetwork`, with the nearest known name.
    public static func network(_ name: String) throws(ZooError) -> ZooNetwork {
        guard let found = networks.first(where: { $0.name == name }) else {
            throw .unknown(name, among: networks.map(\.name))
        }
        return found
    }

    /// A network with the weights that `seed` stands for, ready to be written. Cheap: weights are
    /// drawn while they are written.
    ///
    /// - Throws: `ZooError.unknownNetwork`, with the nearest known name.
    public static func build(_ name: String, seed: UInt64 = 1) throws(ZooError) -> ZooModel {
        ZooModel(network: try network(name), seed: seed)
    }
}
