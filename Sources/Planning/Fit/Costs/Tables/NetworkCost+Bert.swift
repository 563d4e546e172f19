// Written by Scripts/network-costs.py; change that and run it again.

import ServingDomain

extension NetworkCost {
    /// BERT-base for 14 tokens: the zoo's graph.
    /// 109,482,240 parameters, 1,193,287,680 multiply-accumulate steps.
    static let bert = NetworkCost(
        "bert-base",
        inputBytes: 112,
        outputBytes: 3_072,
        storedBytes: 437_928_960,
        table: """
            50 copy 0 0 43008 43008
            25 elementwise 0 0 86016 43008
            2 copy 0 0 3072 3072
            1 elementwise 0 0 46080 43008
            25 normalise 0 6144 43008 43008
            48 matmul 16515072 2362368 43008 43008
            12 attend 301056 0 86016 9408
            12 elementwise 0 0 9408 9408
            12 normalise 0 0 9408 9408
            12 attend 301056 0 52416 43008
            12 matmul 66060288 9449472 43008 172032
            12 elementwise 0 0 172032 172032
            12 matmul 66060288 9440256 172032 43008
            1 matmul 1179648 2362368 3072 3072
            1 elementwise 0 0 3072 3072
            """
    )
}
