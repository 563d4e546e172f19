// Written by Scripts/network-costs.py; change that and run it again.

import ServingDomain

extension NetworkCost {
    /// LeNet-5 for 28 x 28 digits: the zoo's graph.
    /// 61,706 parameters, 416,520 multiply-accumulate steps.
    static let lenet = NetworkCost(
        "lenet",
        inputBytes: 3_136,
        outputBytes: 40,
        storedBytes: 246_824,
        table: """
            1 conv* 235200 624 3136 18816
            1 elementwise 0 0 18816 18816
            1 pool 0 0 18816 4704
            1 conv* 480000 9664 4704 6400
            1 elementwise 0 0 6400 6400
            1 pool 0 0 6400 1600
            1 matmul 96000 192480 1600 480
            1 elementwise 0 0 480 480
            1 matmul 20160 40656 480 336
            1 elementwise 0 0 336 336
            1 matmul 1680 3400 336 40
            """
    )
}
