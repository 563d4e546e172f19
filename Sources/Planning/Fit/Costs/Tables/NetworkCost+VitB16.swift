// Written by Scripts/network-costs.py; change that and run it again.

import ServingDomain

extension NetworkCost {
    /// ViT-B/16 (Dosovitskiy et al. 2021, table 1; parameters: torchvision).
    /// 86,567,656 parameters, 17,563,828,224 multiply-accumulate steps.
    static let vitB16 = NetworkCost(
        "vit-b16",
        inputBytes: 602_112,
        outputBytes: 4_000,
        storedBytes: 346_270_624,
        table: """
            1 conv* 231211008 2362368 602112 602112
            1 copy 0 0 602112 602112
            49 copy 0 0 605184 605184
            1 elementwise 0 605184 605184 605184
            25 normalise 0 6144 605184 605184
            12 matmul 697171968 7087104 605184 1815552
            12 attend 59610624 0 1210368 1862832
            12 elementwise 0 0 1862832 1862832
            12 normalise 0 0 1862832 1862832
            12 attend 59610624 0 2468016 605184
            12 matmul 232390656 2362368 605184 605184
            24 elementwise 0 0 1210368 605184
            12 matmul 929562624 9449472 605184 2420736
            12 elementwise 0 0 2420736 2420736
            12 matmul 929562624 9440256 2420736 605184
            1 copy 0 0 3072 3072
            1 matmul 1536000 3076000 3072 4000
            """
    )
}
