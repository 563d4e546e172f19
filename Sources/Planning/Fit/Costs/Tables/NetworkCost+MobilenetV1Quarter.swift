// Written by Scripts/network-costs.py; change that and run it again.

import ServingDomain

extension NetworkCost {
    /// MobileNet v1, width 0.25: the zoo's graph.
    /// 470,072 parameters, 41,030,272 multiply-accumulate steps.
    static let mobilenetV1Quarter = NetworkCost(
        "mobilenet_v1_025",
        inputBytes: 602_112,
        outputBytes: 4_000,
        storedBytes: 1_869_344,
        table: """
            1 conv* 5419008 896 602112 401408
            5 elementwise 0 0 401408 401408
            1 depthwise* 1806336 320 401408 401408
            1 conv* 3211264 576 401408 802816
            1 elementwise 0 0 802816 802816
            1 depthwise* 903168 640 802816 200704
            4 elementwise 0 0 200704 200704
            1 conv* 3211264 2176 200704 401408
            1 depthwise* 1806336 1280 401408 401408
            1 conv* 6422528 4224 401408 401408
            1 depthwise* 451584 1280 401408 100352
            12 elementwise 0 0 100352 100352
            1 conv* 3211264 8448 100352 200704
            1 depthwise* 903168 2560 200704 200704
            1 conv* 6422528 16640 200704 200704
            1 depthwise* 225792 2560 200704 50176
            4 elementwise 0 0 50176 50176
            1 conv* 3211264 33280 50176 100352
            5 depthwise* 451584 5120 100352 100352
            5 conv* 6422528 66048 100352 100352
            1 depthwise* 112896 5120 100352 25088
            1 elementwise 0 0 25088 25088
            1 conv* 3211264 132096 25088 50176
            1 depthwise* 225792 10240 50176 50176
            1 conv* 6422528 263168 50176 50176
            1 pool 0 0 50176 1024
            1 matmul 512000 1028000 1024 4000
            """
    )
}
