// Written by Scripts/network-costs.py; change that and run it again.

import ServingDomain

extension NetworkCost {
    /// SqueezeNet 1.1: the zoo's graph.
    /// 1,235,496 parameters, 349,151,936 multiply-accumulate steps.
    static let squeezenet = NetworkCost(
        "squeezenet",
        inputBytes: 602_112,
        outputBytes: 4_000,
        storedBytes: 4_941_984,
        table: """
            1 conv* 42581376 7168 602112 3154176
            1 elementwise 0 0 3154176 3154176
            1 pool 0 0 3154176 774400
            1 conv* 6195200 4160 774400 193600
            2 elementwise 0 0 193600 193600
            2 conv* 6195200 4352 193600 774400
            4 elementwise 0 0 774400 774400
            2 conv3x3* 55756800 37120 193600 774400
            2 copy 0 0 1548800 1548800
            1 conv* 12390400 8256 1548800 193600
            1 pool 0 0 1548800 373248
            1 conv* 5971968 16512 373248 93312
            2 elementwise 0 0 93312 93312
            2 conv* 5971968 16896 93312 373248
            4 elementwise 0 0 373248 373248
            2 conv3x3* 53747712 147968 93312 373248
            2 copy 0 0 746496 746496
            1 conv* 11943936 32896 746496 93312
            1 pool 0 0 746496 173056
            1 conv* 4153344 49344 173056 32448
            2 elementwise 0 0 32448 32448
            2 conv* 3115008 37632 32448 129792
            4 elementwise 0 0 129792 129792
            2 conv3x3* 28035072 332544 32448 129792
            2 copy 0 0 259584 259584
            1 conv* 6230016 73920 259584 32448
            1 conv* 8306688 98560 259584 43264
            2 elementwise 0 0 43264 43264
            2 conv* 5537792 66560 43264 173056
            4 elementwise 0 0 173056 173056
            2 conv3x3* 49840128 590848 43264 173056
            2 copy 0 0 346112 346112
            1 conv* 11075584 131328 346112 43264
            1 conv* 173056000 2052000 346112 676000
            1 elementwise 0 0 676000 676000
            1 pool 0 0 676000 4000
            """
    )
}
