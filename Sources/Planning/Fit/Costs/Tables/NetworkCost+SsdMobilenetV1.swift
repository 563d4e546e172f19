// Written by Scripts/network-costs.py; change that and run it again.

import ServingDomain

extension NetworkCost {
    /// SSD on MobileNet v1 at 300 x 300: the zoo's graph.
    /// 6,819,839 parameters, 1,237,129,408 multiply-accumulate steps.
    static let ssdMobilenetV1 = NetworkCost(
        "ssd-mobilenetv1",
        inputBytes: 1_080_000,
        outputBytes: 728_460,
        storedBytes: 27_228_668,
        table: """
            1 conv* 38880000 3584 1080000 2880000
            5 elementwise 0 0 2880000 2880000
            1 depthwise* 12960000 1280 2880000 2880000
            1 conv* 92160000 8448 2880000 5760000
            1 elementwise 0 0 5760000 5760000
            1 depthwise* 6480000 2560 5760000 1440000
            1 elementwise 0 0 1440000 1440000
            1 conv* 92160000 33280 1440000 2880000
            1 depthwise* 12960000 5120 2880000 2880000
            1 conv* 184320000 66048 2880000 2880000
            1 depthwise* 3326976 5120 2880000 739328
            12 elementwise 0 0 739328 739328
            1 conv* 94633984 132096 739328 1478656
            3 elementwise 0 0 1478656 1478656
            1 depthwise* 6653952 10240 1478656 1478656
            1 conv* 189267968 263168 1478656 1478656
            1 depthwise* 1663488 10240 1478656 369664
            1 elementwise 0 0 369664 369664
            1 conv* 94633984 526336 369664 739328
            5 depthwise* 3326976 20480 739328 739328
            5 conv* 189267968 1050624 739328 739328
            1 depthwise* 921600 20480 739328 204800
            1 elementwise 0 0 204800 204800
            1 conv* 104857600 2101248 204800 409600
            3 elementwise 0 0 409600 409600
            1 depthwise* 1843200 40960 409600 409600
            1 conv* 209715200 4198400 409600 409600
            1 conv* 52428800 1049600 409600 102400
            1 elementwise 0 0 102400 102400
            1 conv* 58982400 4720640 102400 51200
            1 elementwise 0 0 51200 51200
            1 conv* 3276800 262656 51200 12800
            1 elementwise 0 0 12800 12800
            1 conv* 5308416 1180672 12800 9216
            1 elementwise 0 0 9216 9216
            1 conv* 589824 131584 9216 4608
            1 elementwise 0 0 4608 4608
            1 conv* 2359296 1180672 4608 4096
            1 elementwise 0 0 4096 4096
            1 conv* 131072 65792 4096 1024
            1 elementwise 0 0 1024 1024
            1 conv* 147456 295424 1024 512
            1 elementwise 0 0 512 512
            1 conv* 4435968 24624 739328 17328
            1 copy 0 0 17328 17328
            1 conv* 100918272 560196 739328 394212
            1 copy 0 0 394212 394212
            1 conv* 4915200 98400 409600 9600
            1 copy 0 0 9600 9600
            1 conv* 111820800 2238600 409600 218400
            1 copy 0 0 218400 218400
            1 conv* 614400 49248 51200 2400
            1 copy 0 0 2400 2400
            1 conv* 13977600 1120392 51200 54600
            1 copy 0 0 54600 54600
            1 conv* 110592 24672 9216 864
            1 copy 0 0 864 864
            1 conv* 2515968 561288 9216 19656
            1 copy 0 0 19656 19656
            1 conv* 49152 24672 4096 384
            1 copy 0 0 384 384
            1 conv* 1118208 561288 4096 8736
            1 copy 0 0 8736 8736
            1 conv* 6144 12384 512 96
            1 copy 0 0 96 96
            1 conv* 139776 281736 512 2184
            1 copy 0 0 2184 2184
            1 copy 0 0 30672 30672
            1 copy 0 0 697788 697788
            1 copy 0 0 728460 728460
            """
    )
}
