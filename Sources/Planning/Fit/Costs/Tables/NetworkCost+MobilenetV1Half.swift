// Written by Scripts/network-costs.py; change that and run it again.

import ServingDomain

extension NetworkCost {
    /// MobileNet v1, width 0.5: the zoo's graph.
    /// 1,331,592 parameters, 149,497,088 multiply-accumulate steps.
    static let mobilenetV1Half = NetworkCost(
        "mobilenet_v1_050",
        inputBytes: 602_112,
        outputBytes: 4_000,
        storedBytes: 5_304_480,
        table: """
            1 conv* 10838016 1792 602112 802816
            5 elementwise 0 0 802816 802816
            1 depthwise* 3612672 640 802816 802816
            1 conv* 12845056 2176 802816 1605632
            1 elementwise 0 0 1605632 1605632
            1 depthwise* 1806336 1280 1605632 401408
            4 elementwise 0 0 401408 401408
            1 conv* 12845056 8448 401408 802816
            1 depthwise* 3612672 2560 802816 802816
            1 conv* 25690112 16640 802816 802816
            1 depthwise* 903168 2560 802816 200704
            12 elementwise 0 0 200704 200704
            1 conv* 12845056 33280 200704 401408
            1 depthwise* 1806336 5120 401408 401408
            1 conv* 25690112 66048 401408 401408
            1 depthwise* 451584 5120 401408 100352
            4 elementwise 0 0 100352 100352
            1 conv* 12845056 132096 100352 200704
            5 depthwise* 903168 10240 200704 200704
            5 conv* 25690112 263168 200704 200704
            1 depthwise* 225792 10240 200704 50176
            1 elementwise 0 0 50176 50176
            1 conv* 12845056 526336 50176 100352
            1 depthwise* 451584 20480 100352 100352
            1 conv* 25690112 1050624 100352 100352
            1 pool 0 0 100352 2048
            1 matmul 1024000 2052000 2048 4000
            """
    )
}
