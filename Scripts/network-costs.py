#!/usr/bin/env python3
"""Writes Sources/Planning/Fit/Costs/Tables: what each known network costs, operation by operation.

    Scripts/network-costs.py            write the tables
    Scripts/network-costs.py --check    fail where a committed table differs

The networks of our zoo are counted a second time from the zoo's own graphs by a test
(Tests/ModelZooTests/CostTests.swift). The others are counted here alone, from the publication
named in their summary, and held against the published number of parameters.
"""

import sys
from collections import Counter
from math import prod
from pathlib import Path

from network_layers import Layers

FOLDER = Path(__file__).resolve().parent.parent / "Sources/Planning/Fit/Costs/Tables"
IMAGE = (3, 224, 224)


def classify(net, x, classes=1000):
    net.dense(net.mean(x), classes)
    return net


def tiny():
    net = Layers("tiny", (16,))
    net.dense(net.shape, 16)
    return net


def lenet():
    net = Layers("lenet", (1, 28, 28))
    x = net.pool(net.conv(net.shape, 6, 5, norm="bias"), 2, 2)
    x = net.pool(net.conv(x, 16, 5, padding=0, norm="bias"), 2, 2)
    x = net.dense((prod(x),), 120, act=True)
    net.dense(net.dense(x, 84, act=True), 10)
    return net


def vgg(name, depths):
    net = Layers(name, IMAGE)
    x = net.shape
    for channels, depth in zip((64, 128, 256, 512, 512), depths):
        for _ in range(depth):
            x = net.conv(x, channels, 3, norm="bias")
        x = net.pool(x, 2, 2)
    x = net.dense((prod(x),), 4096, act=True)
    net.dense(net.dense(x, 4096, act=True), 1000)
    return net


def resnet(name, depths):
    net = Layers(name, IMAGE)
    x = net.pool(net.conv(net.shape, 64, 7, 2), 3, 2, 1)
    for place, depth in enumerate(depths):
        narrow = 64 << place
        for block in range(depth):
            stride = 2 if block == 0 and place > 0 else 1
            y = net.conv(net.conv(x, narrow), narrow, 3, stride)
            y = net.conv(y, 4 * narrow, act=False)
            if block == 0:
                net.conv(x, 4 * narrow, 1, stride, padding=0, act=False)
            x = net.add(y, act=True)
    return classify(net, x)


def densenet(name, growth, start, depths):
    net = Layers(name, IMAGE)
    x = net.pool(net.conv(net.shape, start, 7, 2), 3, 2, 1)
    for place, depth in enumerate(depths):
        for _ in range(depth):
            y = net.conv(net.norm_act(x), 4 * growth)
            x = net.concat([x, net.conv(y, growth, 3, norm=None, act=False)])
        if place < len(depths) - 1:
            y = net.conv(net.norm_act(x), x[0] // 2, norm=None, act=False)
            x = net.pool(y, 2, 2)
    return classify(net, net.norm_act(x))


def squeezenet():
    net = Layers("squeezenet", IMAGE)

    def fire(x, squeeze, expand):
        narrow = net.conv(x, squeeze, norm="bias")
        points = net.conv(narrow, expand, norm="bias")
        return net.concat([points, net.conv(narrow, expand, 3, norm="bias")])

    x = net.conv(net.shape, 64, 3, 2, padding=0, norm="bias")
    for widths in ([16, 16], [32, 32], [48, 48, 64, 64]):
        x = net.pool(x, 3, 2, rounds_up=True)
        for squeeze in widths:
            x = fire(x, squeeze, 4 * squeeze)
    net.mean(net.conv(x, 1000, norm="bias"))
    return net


def googlenet():
    net = Layers("googlenet", IMAGE)

    def mixed(x, points, reduce3, wide3, reduce5, wide5, pooled):
        one = net.conv(x, points)
        two = net.conv(net.conv(x, reduce3), wide3, 3)
        three = net.conv(net.conv(x, reduce5), wide5, 3)
        return net.concat([one, two, three, net.conv(net.pool(x, 3, 1, 1), pooled)])

    def halve(x, kernel=3):
        return net.pool(x, kernel, 2, rounds_up=True)

    x = halve(net.conv(net.shape, 64, 7, 2))
    x = halve(net.conv(net.conv(x, 64), 192, 3))
    x = mixed(x, 64, 96, 128, 16, 32, 32)
    x = halve(mixed(x, 128, 128, 192, 32, 96, 64))
    x = mixed(x, 192, 96, 208, 16, 48, 64)
    x = mixed(x, 160, 112, 224, 24, 64, 64)
    x = mixed(x, 128, 128, 256, 24, 64, 64)
    x = mixed(x, 112, 144, 288, 32, 64, 64)
    x = halve(mixed(x, 256, 160, 320, 32, 128, 128), 2)
    x = mixed(x, 256, 160, 320, 32, 128, 128)
    return classify(net, mixed(x, 384, 192, 384, 48, 128, 128))


def inception_v3():
    net = Layers("inception_v3", (3, 299, 299))
    across, down = (1, 7), (7, 1)

    def chain(x, *steps):
        for filters, kernel in steps:
            x = net.conv(x, filters, kernel)
        return x

    def valid(x, filters, stride=1):
        return net.conv(x, filters, 3, stride, padding=0)

    def pooled(x, filters):
        return net.conv(net.pool(x, 3, 1, 1), filters)

    def fan(x):
        return net.concat([net.conv(x, 384, (1, 3)), net.conv(x, 384, (3, 1))])

    x = net.conv(valid(valid(net.shape, 32, 2), 32), 64, 3)
    x = valid(net.conv(net.pool(x, 3, 2), 80), 192)
    x = net.pool(x, 3, 2)
    for width in (32, 64, 64):
        parts = [net.conv(x, 64), chain(x, (48, 1), (64, 5))]
        parts += [chain(x, (64, 1), (96, 3), (96, 3)), pooled(x, width)]
        x = net.concat(parts)
    parts = [valid(x, 384, 2), valid(chain(x, (64, 1), (96, 3)), 96, 2), net.pool(x, 3, 2)]
    x = net.concat(parts)
    for width in (128, 160, 160, 192):
        parts = [net.conv(x, 192), chain(x, (width, 1), (width, across), (192, down))]
        parts.append(
            chain(x, (width, 1), (width, down), (width, across), (width, down), (192, across))
        )
        x = net.concat([*parts, pooled(x, 192)])
    parts = [valid(net.conv(x, 192), 320, 2)]
    parts.append(valid(chain(x, (192, 1), (192, across), (192, down)), 192, 2))
    x = net.concat([*parts, net.pool(x, 3, 2)])
    for _ in range(2):
        parts = [net.conv(x, 320), fan(net.conv(x, 384)), fan(chain(x, (448, 1), (384, 3)))]
        x = net.concat([*parts, pooled(x, 192)])
    return classify(net, x)


def mobilenet_v1_trunk(net, hundredths):
    """All convolutions, with what comes out of the 11th block and the last."""
    blocks = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5]
    x = net.conv(net.shape, 32 * hundredths // 100, 3, 2)
    for channels, stride in blocks:
        x = net.conv(net.depthwise(x, 3, stride), channels * hundredths // 100)
    middle = x
    for channels, stride in [(1024, 2), (1024, 1)]:
        x = net.conv(net.depthwise(x, 3, stride), channels * hundredths // 100)
    return middle, x


def mobilenet_v1(name, hundredths):
    net = Layers(name, IMAGE)
    return classify(net, mobilenet_v1_trunk(net, hundredths)[1])


def ssd_mobilenet_v1():
    net = Layers("ssd-mobilenetv1", (3, 300, 300))
    maps = [*mobilenet_v1_trunk(net, 100)]
    for depth in (512, 256, 256, 128):
        maps.append(net.conv(net.conv(maps[-1], depth // 2), depth, 3, 2))

    def predict(x, anchors, values):
        raw = net.conv(x, anchors * values, norm="bias", act=False)
        net.copy(raw, (raw[1], raw[2], raw[0]))
        return (prod(raw) // values, values)

    boxes, scores = [], []
    for place, x in enumerate(maps):
        anchors = 3 if place == 0 else 6
        boxes.append(predict(x, anchors, 4))
        scores.append(predict(x, anchors, 91))
    anchors = net.concat(boxes)[0]
    net.concat(scores)
    net.copy((anchors, 95))
    return net


def inverted_residual(net, x, channels, kernel, stride, expansion):
    y = net.conv(x, x[0] * expansion) if expansion > 1 else x
    y = net.conv(net.depthwise(y, kernel, stride), channels, act=False)
    return net.add(y) if stride == 1 and x[0] == channels else y


def mobilenet_v2():
    net = Layers("mobilenet_v2", IMAGE)
    x = net.conv(net.shape, 32, 3, 2)
    stages = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1)]
    for expansion, channels, repeats, stride in [*stages, (6, 160, 3, 2), (6, 320, 1, 1)]:
        for step in range(repeats):
            x = inverted_residual(net, x, channels, 3, 1 if step else stride, expansion)
    return classify(net, net.conv(x, 1280))


def mnasnet():
    net = Layers("mnasnet1_0", IMAGE)
    x = net.depthwise(net.conv(net.shape, 32, 3, 2), 3)
    x = net.conv(x, 16, act=False)
    stages = [(24, 3, 2, 3, 3), (40, 5, 2, 3, 3), (80, 5, 2, 6, 3), (96, 3, 1, 6, 2)]
    for channels, kernel, stride, expansion, repeats in [
        *stages,
        (192, 5, 2, 6, 4),
        (320, 3, 1, 6, 1),
    ]:
        for step in range(repeats):
            x = inverted_residual(net, x, channels, kernel, 1 if step else stride, expansion)
    return classify(net, net.conv(x, 1280))


def encode(net, x, layers, heads, first=False, joint=False):
    """Transformer layers; `first` normalises before each half instead of behind it."""
    for _ in range(layers):
        for half in ("attention", "widening"):
            if first:
                net.layer_norm(x)
            if half == "attention":
                net.attention(x, heads, joint)
            else:
                net.dense(net.dense(x, 4 * x[1], act=True), x[1])
            net.add(x)
            if not first:
                net.layer_norm(x)


def bert(name, layers, tokens, words, places, segments, pools):
    width = 768
    x = (tokens, width)
    net = Layers(name, (tokens,), item_bytes=8 * tokens)
    net.look_up(words, x)
    net.look_up(places, x)
    net.add(x)
    if segments:
        net.look_up(segments, (1, width))
        net.op("elementwise", tokens * width + width, x)
    net.layer_norm(x)
    encode(net, x, layers, 12)
    if pools:
        net.dense(net.copy((width,)), width, act=True)
    return net


def vit():
    net = Layers("vit-b16", IMAGE)
    x = (197, 768)
    net.copy(net.conv(net.shape, 768, 16, 16, padding=0, norm="bias", act=False), (196, 768))
    net.copy(x)
    net.holds(768 + prod(x))
    net.op("elementwise", prod(x), x, weights=prod(x))
    encode(net, x, 12, 12, first=True, joint=True)
    net.layer_norm(x)
    net.dense(net.copy((768,)), 1000)
    return net


def convnext():
    net = Layers("convnext-b", IMAGE)

    def norm(x):
        net.holds(2 * x[0])
        return net.op("normalise", prod(x), x, weights=2 * x[0])

    x = norm(net.conv(net.shape, 128, 4, 4, padding=0, norm="bias", act=False))
    for place, depth in enumerate((3, 3, 27, 3)):
        if place:
            x = net.conv(norm(x), 128 << place, 2, 2, padding=0, norm="bias", act=False)
        pixels = (x[1] * x[2], x[0])
        for _ in range(depth):
            net.copy(net.depthwise(x, 7, norm="bias", act=False))
            net.layer_norm(pixels)
            net.copy(net.dense(net.dense(pixels, 4 * x[0], act=True), x[0]))
            net.holds(x[0])
            net.op("elementwise", prod(x), x, weights=x[0])
            net.add(x)
    net.layer_norm(net.mean(x))
    net.dense((x[0],), 1000)
    return net


def yolov8n():
    net = Layers("yolov8n", (3, 640, 640))

    def split(x, filters, repeats, adds):
        """The block named C2f: half goes through a chain, all parts are joined."""
        half = (filters // 2, *net.conv(x, filters)[1:])
        net.copy((filters, *half[1:]))
        parts = [half, half]
        for _ in range(repeats):
            y = net.conv(net.conv(half, half[0], 3), half[0], 3)
            parts.append(net.add(y) if adds else y)
        return net.conv(net.concat(parts), filters)

    def double(x):
        return net.op("copy", prod(x), (x[0], 2 * x[1], 2 * x[2]))

    x = net.conv(net.conv(net.shape, 16, 3, 2), 32, 3, 2)
    x = net.conv(split(x, 32, 1, True), 64, 3, 2)
    eighth = split(x, 64, 2, True)
    sixteenth = split(net.conv(eighth, 128, 3, 2), 128, 2, True)
    x = split(net.conv(sixteenth, 256, 3, 2), 256, 1, True)
    pooled = [net.conv(x, 128)]
    for _ in range(3):
        pooled.append(net.pool(pooled[-1], 5, 1, 2))
    last = net.conv(net.concat(pooled), 256)
    middle = split(net.concat([double(last), sixteenth]), 128, 1, False)
    small = split(net.concat([double(middle), eighth]), 64, 1, False)
    middle = split(net.concat([net.conv(small, 64, 3, 2), middle]), 128, 1, False)
    large = split(net.concat([net.conv(middle, 128, 3, 2), last]), 256, 1, False)
    heads = []
    for x in (small, middle, large):
        parts = []
        for width in (64, 80):
            y = net.conv(net.conv(x, width, 3), width, 3)
            parts.append(net.conv(y, width, norm="bias", act=False))
        heads.append(net.concat(parts))
    places = sum(x[1] * x[2] for x in heads)
    net.copy((144, places))
    net.op("normalise", 64 * places, (64, places))
    # The mean of each side's distribution: a 1 x 1 convolution with 16 fixed weights.
    net.holds(16)
    net.op("conv", 64 * places, (4, places), macs=64 * places, weights=16)
    net.act((80, places))
    net.add((4, places))
    net.concat([(4, places), (80, places)])
    return net


# Swift's name, summary with source, published parameters (None: our zoo's test holds them), how
# it is counted.
ZOO = "the zoo's graph"
NETWORKS = [
    ("tiny", f"One 16 x 16 matrix product: {ZOO}", None, tiny),
    ("lenet", f"LeNet-5 for 28 x 28 digits: {ZOO}", None, lenet),
    ("mobilenetV1Quarter", f"MobileNet v1, width 0.25: {ZOO}", None,
     lambda: mobilenet_v1("mobilenet_v1_025", 25)),
    ("mobilenetV1Half", f"MobileNet v1, width 0.5: {ZOO}", None,
     lambda: mobilenet_v1("mobilenet_v1_050", 50)),
    ("mobilenetV1", f"MobileNet v1, width 1: {ZOO}", None,
     lambda: mobilenet_v1("mobilenet_v1", 100)),
    ("squeezenet", f"SqueezeNet 1.1: {ZOO}", None, squeezenet),
    ("mobilenetV2", f"MobileNet v2, width 1: {ZOO}", None, mobilenet_v2),
    ("mnasnet", f"MnasNet-B1, width 1: {ZOO}", None, mnasnet),
    ("googlenet", f"GoogLeNet with batch normalisation: {ZOO}", None, googlenet),
    ("ssdMobilenetV1", f"SSD on MobileNet v1 at 300 x 300: {ZOO}", None, ssd_mobilenet_v1),
    ("inceptionV3", f"Inception v3 at 299 x 299: {ZOO}", None, inception_v3),
    ("resnet50", f"ResNet-50 v1.5: {ZOO}", None, lambda: resnet("resnet50", (3, 4, 6, 3))),
    ("densenet161", f"DenseNet-161: {ZOO}", None,
     lambda: densenet("densenet161", 48, 96, (6, 12, 36, 24))),
    ("bert", f"BERT-base for 14 tokens: {ZOO}", None,
     lambda: bert("bert-base", 12, 14, 30_522, 512, 2, True)),
    ("vgg16", f"VGG-16: {ZOO}", None, lambda: vgg("vgg16", (2, 2, 3, 3, 3))),
    ("vgg19", "VGG-19 (Simonyan and Zisserman 2015, table 1, E; parameters: torchvision)",
     143_667_240, lambda: vgg("vgg19", (2, 2, 4, 4, 4))),
    ("resnet152", "ResNet-152 v1.5 (He et al. 2016, table 1; parameters: torchvision)",
     60_192_808, lambda: resnet("resnet152", (3, 8, 36, 3))),
    ("densenet201", "DenseNet-201 (Huang et al. 2017, table 1; parameters: torchvision)",
     20_013_928, lambda: densenet("densenet201", 32, 64, (6, 12, 48, 32))),
    ("distilbert", "DistilBERT, 128 tokens (Sanh et al. 2019; parameters: Hugging Face)",
     66_362_880, lambda: bert("distilbert", 6, 128, 30_522, 512, 0, False)),
    ("roberta", "RoBERTa-base, 128 tokens (Liu et al. 2019; parameters: Hugging Face)",
     124_645_632, lambda: bert("roberta-base", 12, 128, 50_265, 514, 1, True)),
    ("vitB16", "ViT-B/16 (Dosovitskiy et al. 2021, table 1; parameters: torchvision)",
     86_567_656, vit),
    ("convnextB", "ConvNeXt-B (Liu et al. 2022; parameters: torchvision)", 88_591_464, convnext),
    ("yolov8n", "YOLOv8n at 640 x 640 (Ultralytics 2023; parameters: its documentation)",
     3_157_200, yolov8n),
]


def grouped(number):
    return f"{number:_}"


def table(swift, summary, net):
    lines = [
        "// Written by Scripts/network-costs.py; change that and run it again.",
        "",
        "import ServingDomain",
        "",
        "extension NetworkCost {",
        f"    /// {summary}.",
        f"    /// {net.parameters:,} parameters, {net.macs:,} multiply-accumulate steps.",
        f"    static let {swift} = NetworkCost(",
        f'        "{net.name}",',
        f"        inputBytes: {grouped(net.input_bytes)},",
        f"        outputBytes: {grouped(net.output_bytes)},",
        f"        storedBytes: {grouped(4 * net.stored)},",
        '        table: """',
    ]
    for (kind, shifted, *numbers), count in Counter(net.rows).items():
        words = " ".join(str(number) for number in numbers)
        lines.append(f"            {count} {kind}{'*' if shifted else ''} {words}")
    return "\n".join([*lines, '            """', "    )", "}", ""])


def catalogue():
    names = ", ".join(f".{swift}" for swift, *_ in NETWORKS)
    lines, line = [], "           "
    for name in names.split(" "):
        if len(line) + len(name) + 1 > 96:
            lines.append(line)
            line = "           "
        line += f" {name}"
    lines.append(line + ",")
    return "\n".join(
        [
            "// Written by Scripts/network-costs.py; change that and run it again.",
            "",
            "public import ServingDomain",
            "",
            "extension NetworkCost {",
            "    /// Every network whose costs are known, one table each.",
            "    public static var known: [NetworkCost] {",
            "        [",
            *lines,
            "        ]",
            "    }",
            "}",
            "",
        ]
    )


def main():
    check = "--check" in sys.argv[1:]
    FOLDER.mkdir(parents=True, exist_ok=True)
    files = {"NetworkCost+Known.swift": catalogue()}
    for swift, summary, published, make in NETWORKS:
        net = make()
        if published is not None and net.parameters != published:
            sys.exit(f"{net.name}: {net.parameters} parameters counted, {published} published")
        files[f"NetworkCost+{swift[0].upper()}{swift[1:]}.swift"] = table(swift, summary, net)
    for name, text in files.items():
        path = FOLDER / name
        if check:
            if not path.exists() or path.read_text() != text:
                sys.exit(f"{path} differs; run Scripts/network-costs.py")
        else:
            path.write_text(text)
    print(f"{len(files)} files {'agree' if check else 'written'}")


if __name__ == "__main__":
    main()
