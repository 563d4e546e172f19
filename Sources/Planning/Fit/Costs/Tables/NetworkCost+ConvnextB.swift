// Written by Scripts/network-costs.py; change that and run it again.

import ServingDomain

extension NetworkCost {
    /// ConvNeXt-B (Liu et al. 2022; parameters: torchvision).
    /// 88,591,464 parameters, 15,354,729,472 multiply-accumulate steps.
    static let convnextB = NetworkCost(
        "convnext-b",
        inputBytes: 602_112,
        outputBytes: 4_000,
        storedBytes: 354_365_856,
        table: """
            1 conv* 38535168 25088 602112 1605632
            5 normalise 0 1024 1605632 1605632
            3 depthwise* 39337984 25600 1605632 1605632
            6 copy 0 0 1605632 1605632
            3 matmul 411041792 264192 1605632 6422528
            3 elementwise 0 0 6422528 6422528
            3 matmul 411041792 262656 6422528 1605632
            3 elementwise 0 512 1605632 1605632
            3 elementwise 0 0 3211264 1605632
            1 conv* 205520896 525312 1605632 802816
            3 depthwise* 19668992 51200 802816 802816
            6 copy 0 0 802816 802816
            4 normalise 0 2048 802816 802816
            3 matmul 411041792 1052672 802816 3211264
            3 elementwise 0 0 3211264 3211264
            3 matmul 411041792 1049600 3211264 802816
            3 elementwise 0 1024 802816 802816
            3 elementwise 0 0 1605632 802816
            1 conv* 205520896 2099200 802816 401408
            27 depthwise* 9834496 102400 401408 401408
            54 copy 0 0 401408 401408
            28 normalise 0 4096 401408 401408
            27 matmul 411041792 4202496 401408 1605632
            27 elementwise 0 0 1605632 1605632
            27 matmul 411041792 4196352 1605632 401408
            27 elementwise 0 2048 401408 401408
            27 elementwise 0 0 802816 401408
            1 conv* 205520896 8392704 401408 200704
            3 depthwise* 4917248 204800 200704 200704
            6 copy 0 0 200704 200704
            3 normalise 0 8192 200704 200704
            3 matmul 411041792 16793600 200704 802816
            3 elementwise 0 0 802816 802816
            3 matmul 411041792 16781312 802816 200704
            3 elementwise 0 4096 200704 200704
            3 elementwise 0 0 401408 200704
            1 pool 0 0 200704 4096
            1 normalise 0 8192 4096 4096
            1 matmul 2048000 4100000 4096 4000
            """
    )
}
