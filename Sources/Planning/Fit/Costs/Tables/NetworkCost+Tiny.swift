// Written by Scripts/network-costs.py; change that and run it again.

import ServingDomain

extension NetworkCost {
    /// One 16 x 16 matrix product: the zoo's graph.
    /// 272 parameters, 256 multiply-accumulate steps.
    static let tiny = NetworkCost(
        "tiny",
        inputBytes: 64,
        outputBytes: 64,
        storedBytes: 1_088,
        table: """
            1 matmul 512 1088 64 64
            """
    )
}
