// Written by Scripts/network-costs.py; change that and run it again.

import ServingDomain

extension NetworkCost {
    /// ResNet-152 v1.5 (He et al. 2016, table 1; parameters: torchvision).
    /// 60,192,808 parameters, 11,513,626,624 multiply-accumulate steps.
    static let resnet152 = NetworkCost(
        "resnet152",
        inputBytes: 602_112,
        outputBytes: 4_000,
        storedBytes: 240_468_384,
        table: """
            1 conv* 236027904 37888 602112 3211264
            4 elementwise 0 0 3211264 3211264
            1 pool 0 0 3211264 802816
            1 conv* 25690112 16640 802816 802816
            43 elementwise 0 0 802816 802816
            3 conv3x3* 231211008 147712 802816 802816
            4 conv* 102760448 66560 802816 3211264
            3 elementwise 0 0 6422528 3211264
            2 conv* 102760448 65792 3211264 802816
            1 conv* 205520896 131584 3211264 1605632
            9 elementwise 0 0 1605632 1605632
            1 conv* 231211008 590336 1605632 401408
            19 elementwise 0 0 401408 401408
            8 conv* 102760448 264192 401408 1605632
            1 conv* 205520896 526336 3211264 1605632
            8 elementwise 0 0 3211264 1605632
            7 conv* 102760448 262656 1605632 401408
            7 conv3x3* 231211008 590336 401408 401408
            1 conv* 205520896 525312 1605632 802816
            1 conv* 231211008 2360320 802816 200704
            71 elementwise 0 0 200704 200704
            36 conv* 102760448 1052672 200704 802816
            1 conv* 205520896 2101248 1605632 802816
            36 elementwise 0 0 1605632 802816
            35 conv* 102760448 1049600 802816 200704
            35 conv3x3* 231211008 2360320 200704 200704
            1 conv* 205520896 2099200 802816 401408
            1 conv* 231211008 9439232 401408 100352
            5 elementwise 0 0 100352 100352
            3 conv* 102760448 4202496 100352 401408
            1 conv* 205520896 8396800 802816 401408
            3 elementwise 0 0 802816 401408
            2 conv* 102760448 4196352 401408 100352
            2 conv3x3* 231211008 9439232 100352 100352
            1 pool 0 0 401408 8192
            1 matmul 4096000 8196000 8192 4000
            """
    )
}
