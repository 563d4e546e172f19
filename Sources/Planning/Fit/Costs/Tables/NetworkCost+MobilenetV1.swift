// Written by Scripts/network-costs.py; change that and run it again.

import ServingDomain

extension NetworkCost {
    /// MobileNet v1, width 1: the zoo's graph.
    /// 4,231,976 parameters, 568,740,352 multiply-accumulate steps.
    static let mobilenetV1 = NetworkCost(
        "mobilenet_v1",
        inputBytes: 602_112,
        outputBytes: 4_000,
        storedBytes: 16_884_128,
        table: """
            1 conv* 21676032 3584 602112 1605632
            5 elementwise 0 0 1605632 1605632
            1 depthwise* 7225344 1280 1605632 1605632
            1 conv* 51380224 8448 1605632 3211264
            1 elementwise 0 0 3211264 3211264
            1 depthwise* 3612672 2560 3211264 802816
            4 elementwise 0 0 802816 802816
            1 conv* 51380224 33280 802816 1605632
            1 depthwise* 7225344 5120 1605632 1605632
            1 conv* 102760448 66048 1605632 1605632
            1 depthwise* 1806336 5120 1605632 401408
            12 elementwise 0 0 401408 401408
            1 conv* 51380224 132096 401408 802816
            1 depthwise* 3612672 10240 802816 802816
            1 conv* 102760448 263168 802816 802816
            1 depthwise* 903168 10240 802816 200704
            4 elementwise 0 0 200704 200704
            1 conv* 51380224 526336 200704 401408
            5 depthwise* 1806336 20480 401408 401408
            5 conv* 102760448 1050624 401408 401408
            1 depthwise* 451584 20480 401408 100352
            1 elementwise 0 0 100352 100352
            1 conv* 51380224 2101248 100352 200704
            1 depthwise* 903168 40960 200704 200704
            1 conv* 102760448 4198400 200704 200704
            1 pool 0 0 200704 4096
            1 matmul 2048000 4100000 4096 4000
            """
    )
}
