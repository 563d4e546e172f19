// Written by Scripts/network-costs.py; change that and run it again.

public import ServingDomain

extension NetworkCost {
    /// Every network whose costs are known, one table each.
    public static var known: [NetworkCost] {
        [
            .tiny, .lenet, .mobilenetV1Quarter, .mobilenetV1Half, .mobilenetV1, .squeezenet,
            .mobilenetV2, .mnasnet, .googlenet, .ssdMobilenetV1, .inceptionV3, .resnet50,
            .densenet161, .bert, .vgg16, .vgg19, .resnet152, .densenet201, .distilbert,
            .roberta, .vitB16, .convnextB, .yolov8n,
        ]
    }
}
