// Written by Scripts/network-costs.py; change that and run it again.

import ServingDomain

extension NetworkCost {
    /// DistilBERT, 128 tokens (Sanh et al. 2019; parameters: Hugging Face).
    /// 66,362,880 parameters, 5,586,812,928 multiply-accumulate steps.
    static let distilbert = NetworkCost(
        "distilbert",
        inputBytes: 1_024,
        outputBytes: 393_216,
        storedBytes: 265_451_520,
        table: """
            26 copy 0 0 393216 393216
            13 elementwise 0 0 786432 393216
            13 normalise 0 6144 393216 393216
            24 matmul 150994944 2362368 393216 393216
            6 attend 25165824 0 786432 786432
            6 elementwise 0 0 786432 786432
            6 normalise 0 0 786432 786432
            6 attend 25165824 0 1179648 393216
            6 matmul 603979776 9449472 393216 1572864
            6 elementwise 0 0 1572864 1572864
            6 matmul 603979776 9440256 1572864 393216
            """
    )
}
