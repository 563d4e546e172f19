// Written by Scripts/network-costs.py; change that and run it again.

import ServingDomain

extension NetworkCost {
    /// RoBERTa-base, 128 tokens (Liu et al. 2019; parameters: Hugging Face).
    /// 124,645,632 parameters, 11,174,215,680 multiply-accumulate steps.
    static let roberta = NetworkCost(
        "roberta-base",
        inputBytes: 1_024,
        outputBytes: 3_072,
        storedBytes: 498_582_528,
        table: """
            50 copy 0 0 393216 393216
            25 elementwise 0 0 786432 393216
            2 copy 0 0 3072 3072
            1 elementwise 0 0 396288 393216
            25 normalise 0 6144 393216 393216
            48 matmul 150994944 2362368 393216 393216
            12 attend 25165824 0 786432 786432
            12 elementwise 0 0 786432 786432
            12 normalise 0 0 786432 786432
            12 attend 25165824 0 1179648 393216
            12 matmul 603979776 9449472 393216 1572864
            12 elementwise 0 0 1572864 1572864
            12 matmul 603979776 9440256 1572864 393216
            1 matmul 1179648 2362368 3072 3072
            1 elementwise 0 0 3072 3072
            """
    )
}
