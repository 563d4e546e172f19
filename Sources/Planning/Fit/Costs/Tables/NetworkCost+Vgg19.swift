// Written by Scripts/network-costs.py; change that and run it again.

import ServingDomain

extension NetworkCost {
    /// VGG-19 (Simonyan and Zisserman 2015, table 1, E; parameters: torchvision).
    /// 143,667,240 parameters, 19,632,062,464 multiply-accumulate steps.
    static let vgg19 = NetworkCost(
        "vgg19",
        inputBytes: 602_112,
        outputBytes: 4_000,
        storedBytes: 574_668_960,
        table: """
            1 conv3x3* 173408256 7168 602112 12845056
            2 elementwise 0 0 12845056 12845056
            1 conv3x3* 3699376128 147712 12845056 12845056
            1 pool 0 0 12845056 3211264
            1 conv3x3* 1849688064 295424 3211264 6422528
            2 elementwise 0 0 6422528 6422528
            1 conv3x3* 3699376128 590336 6422528 6422528
            1 pool 0 0 6422528 1605632
            1 conv3x3* 1849688064 1180672 1605632 3211264
            4 elementwise 0 0 3211264 3211264
            3 conv3x3* 3699376128 2360320 3211264 3211264
            1 pool 0 0 3211264 802816
            1 conv3x3* 1849688064 4720640 802816 1605632
            4 elementwise 0 0 1605632 1605632
            3 conv3x3* 3699376128 9439232 1605632 1605632
            1 pool 0 0 1605632 401408
            4 conv3x3* 924844032 9439232 401408 401408
            4 elementwise 0 0 401408 401408
            1 pool 0 0 401408 100352
            1 matmul 205520896 411058176 100352 16384
            2 elementwise 0 0 16384 16384
            1 matmul 33554432 67125248 16384 16384
            1 matmul 8192000 16388000 16384 4000
            """
    )
}
