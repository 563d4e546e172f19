// Written by Scripts/network-costs.py; change that and run it again.

import ServingDomain

extension NetworkCost {
    /// MobileNet v2, width 1: the zoo's graph.
    /// 3,504,872 parameters, 300,774,272 multiply-accumulate steps.
    static let mobilenetV2 = NetworkCost(
        "mobilenet_v2",
        inputBytes: 602_112,
        outputBytes: 4_000,
        storedBytes: 13_951_264,
        table: """
            1 conv* 21676032 3584 602112 1605632
            2 elementwise 0 0 1605632 1605632
            1 depthwise* 7225344 1280 1605632 1605632
            1 conv* 12845056 2112 1605632 802816
            1 conv* 38535168 6528 802816 4816896
            1 elementwise 0 0 4816896 4816896
            1 depthwise* 5419008 3840 4816896 1204224
            1 elementwise 0 0 1204224 1204224
            1 conv* 14450688 9312 1204224 301056
            2 conv* 21676032 14400 301056 1806336
            3 elementwise 0 0 1806336 1806336
            1 depthwise* 8128512 5760 1806336 1806336
            1 conv* 21676032 13920 1806336 301056
            1 elementwise 0 0 602112 301056
            1 depthwise* 2032128 5760 1806336 451584
            6 elementwise 0 0 451584 451584
            1 conv* 7225344 18560 451584 100352
            3 conv* 9633792 25344 100352 602112
            5 elementwise 0 0 602112 602112
            2 depthwise* 2709504 7680 602112 602112
            2 conv* 9633792 24704 602112 100352
            2 elementwise 0 0 200704 100352
            1 depthwise* 677376 7680 602112 150528
            1 elementwise 0 0 150528 150528
            1 conv* 4816896 49408 150528 50176
            4 conv* 9633792 99840 50176 301056
            8 elementwise 0 0 301056 301056
            4 depthwise* 1354752 15360 301056 301056
            3 conv* 9633792 98560 301056 50176
            3 elementwise 0 0 100352 50176
            1 conv* 14450688 147840 301056 75264
            3 conv* 21676032 223488 75264 451584
            2 depthwise* 2032128 23040 451584 451584
            2 conv* 21676032 221568 451584 75264
            2 elementwise 0 0 150528 75264
            1 depthwise* 508032 23040 451584 112896
            1 elementwise 0 0 112896 112896
            1 conv* 9031680 369280 112896 31360
            3 conv* 15052800 618240 31360 188160
            6 elementwise 0 0 188160 188160
            3 depthwise* 846720 38400 188160 188160
            2 conv* 15052800 615040 188160 31360
            2 elementwise 0 0 62720 31360
            1 conv* 30105600 1230080 188160 62720
            1 conv* 40140800 1643520 62720 250880
            1 elementwise 0 0 250880 250880
            1 pool 0 0 250880 5120
            1 matmul 2560000 5124000 5120 4000
            """
    )
}
