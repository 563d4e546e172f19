// Written by Scripts/network-costs.py; change that and run it again.

import ServingDomain

extension NetworkCost {
    /// MnasNet-B1, width 1: the zoo's graph.
    /// 4,383,312 parameters, 314,415,872 multiply-accumulate steps.
    static let mnasnet = NetworkCost(
        "mnasnet1_0",
        inputBytes: 602_112,
        outputBytes: 4_000,
        storedBytes: 17_457_408,
        table: """
            1 conv* 21676032 3584 602112 1605632
            2 elementwise 0 0 1605632 1605632
            1 depthwise* 7225344 1280 1605632 1605632
            1 conv* 12845056 2112 1605632 802816
            1 conv* 19267584 3264 802816 2408448
            1 elementwise 0 0 2408448 2408448
            1 depthwise* 2709504 1920 2408448 602112
            1 elementwise 0 0 602112 602112
            1 conv* 7225344 4704 602112 301056
            3 conv* 10838016 7200 301056 903168
            5 elementwise 0 0 903168 903168
            2 depthwise* 4064256 2880 903168 903168
            2 conv* 10838016 7008 903168 301056
            2 elementwise 0 0 602112 301056
            1 depthwise* 2822400 7488 903168 225792
            9 elementwise 0 0 225792 225792
            1 conv* 4515840 11680 225792 125440
            2 conv* 7526400 19680 125440 376320
            10 elementwise 0 0 376320 376320
            2 depthwise* 4704000 12480 376320 376320
            2 conv* 7526400 19360 376320 125440
            2 elementwise 0 0 250880 125440
            1 conv* 15052800 39360 125440 752640
            1 elementwise 0 0 752640 752640
            1 depthwise* 2352000 24960 752640 188160
            1 elementwise 0 0 188160 188160
            1 conv* 7526400 77120 188160 62720
            3 conv* 15052800 155520 62720 376320
            2 depthwise* 4704000 49920 376320 376320
            2 conv* 15052800 153920 376320 62720
            2 elementwise 0 0 125440 62720
            1 depthwise* 1693440 19200 376320 376320
            1 conv* 18063360 184704 376320 75264
            2 conv* 21676032 223488 75264 451584
            3 elementwise 0 0 451584 451584
            1 depthwise* 2032128 23040 451584 451584
            1 conv* 21676032 221568 451584 75264
            1 elementwise 0 0 150528 75264
            1 depthwise* 1411200 59904 451584 112896
            1 elementwise 0 0 112896 112896
            1 conv* 10838016 443136 112896 37632
            4 conv* 21676032 889344 37632 225792
            3 depthwise* 2822400 119808 225792 225792
            3 conv* 21676032 885504 225792 37632
            3 elementwise 0 0 75264 37632
            1 depthwise* 1016064 46080 225792 225792
            1 conv* 36126720 1475840 225792 62720
            1 conv* 40140800 1643520 62720 250880
            1 elementwise 0 0 250880 250880
            1 pool 0 0 250880 5120
            1 matmul 2560000 5124000 5120 4000
            """
    )
}
