/// One job of the DNNScaler paper: a network on a data set with an objective, and what is known
/// of it on the authors' Tesla P40.
///
/// Every number is a single published or derived figure; where it comes from:
/// - objective, network, data set, method: the released launch scripts (github
///   nabavinejad/DNNScaler @ 8c3d979); jobs 26 to 28 (text, speech) are not in them;
/// - `batchFixed` and `batchPerItem`: least-squares lines a + b x batch through the logs of the
///   authors' sister project (nabavinejad/BatchDVFS @ f05286d; Clipper runs of the same loop);
/// - `host`: what one inference takes in the released tenancy loop, from the matrix of measured
///   latencies in the same repository (18 rows x levels 1...10), column 1;
/// - `device`: the GPU time of one inference, from the saturated end of the same matrix
///   (levels 8 to 10: k instances take k times as long);
/// - `devicePerItem`: what an item more costs the GPU: `batchPerItem` less the slope of the
///   lightest network on the same data set, which is decoding; at most 0.8 of `device`.
/// Networks that were never profiled with several instances have no `host` and `device` of
/// their own: `device` is 2.8 times `devicePerItem` (the median of those that have both), for
/// the two largest networks capped by their measured time at batch 1. These are assumptions.
package struct P40Job: Hashable, Sendable {
    /// The authors' choice for a job.
    package enum Method: String, Hashable, Sendable {
        case batching = "B", tenancy = "MT"
    }

    /// The job's number in the paper's list.
    package let number: Int
    /// Network and data set: I = ImageNet, C = Caltech-256.
    package let name: String
    /// The objective in ms.
    package let sloMs: Double
    /// What the paper's profiler chose.
    package let method: Method
    /// A batch of b alone, in ms: fixed + perItem x b.
    package let batchFixed: Double, batchPerItem: Double
    /// One inference in the tenancy loop, and the GPU's part of it, in ms.
    package let host: Double, device: Double
    /// The largest batch that makes sense; 1 for DeePVS, which takes a clip at a time.
    package let maxBatch: Int32
    /// What the released scripts wait per instance: MobileNets 1 s, DeePVS 15 s, others 3 s.
    package let biasSeconds: Int64
    /// From the order to start an instance to its first answer, in s (notes, section 5).
    package let startSeconds: Double
    /// What the first batch of a new size pays, in ms (notes, section 5: cuDNN's tuning).
    package let firstUseMs: Double

    /// Whether it is one of the video jobs.
    package var isVideo: Bool { maxBatch == 1 }

    /// What decoding and resizing an image takes on this data set: the slope of the lightest
    /// network on it, less what that network's GPU time may be.
    package var decodePerItem: Double {
        if isVideo { return 0 }
        return name.hasSuffix("(I)") ? 9.9 : 5.4
    }

    /// The GPU time of one more item in a batch, in ms.
    package var devicePerItem: Double {
        isVideo ? device : min(max(batchPerItem - decodePerItem, 0.2), 0.8 * device)
    }

    /// The 27 jobs whose network is known.
    package static let all: [P40Job] = [
        job(1, "Inc-V1 (I)", 35, .tenancy, (46, 11.8), 10.0, 4.19, start: 5.1, first: 600),
        job(2, "Inc-V2 (I)", 53, .tenancy, (43, 12.0), 10.4, 5.87, start: 5.1, first: 600),
        job(3, "Inc-V4 (I)", 419, .batching, (98, 14.9), 14.0, 14.0, start: 7, first: 1_100),
        job(4, "Mob-V1-0.5 (I)", 199, .tenancy, (49, 10.2), 9.95, 0.95, 1, start: 4.2, first: 150),
        job(5, "Mob-V1-0.25 (I)", 186, .tenancy, (44, 10.4), 9.75, 0.73, 1, start: 4, first: 100),
        job(6, "Mob-V2-1 (I)", 81, .tenancy, (36, 12.5), 10.1, 2.45, 1, start: 4.5, first: 200),
        job(7, "NASNet-L (I)", 417, .batching, (79, 50), 66, 66, start: 17.2, first: 1_400),
        job(8, "NASNet-mob (I)", 85, .tenancy, (59, 12.0), 28.3, 7.88, start: 6.5, first: 450),
        job(9, "PNASNet-mob (I)", 82, .tenancy, (60, 12.3), 22.3, 7.26, start: 6.5, first: 450),
        job(10, "Res-50 (I)", 45, .tenancy, (51, 12.6), 10.8, 7.26, start: 5.2, first: 600),
        job(11, "Res-101 (I)", 72, .batching, (56, 14.0), 11.5, 11.5, start: 7, first: 750),
        job(12, "Res-152 (I)", 206, .batching, (68, 14.8), 13.7, 13.7, start: 8, first: 750),
        job(13, "Res-101 (I)", 107, .batching, (56, 14.0), 11.5, 11.5, start: 7, first: 750),
        job(14, "Inc-V1 (C)", 48, .tenancy, (43, 7.0), 9.75, 4.19, start: 5.1, first: 600),
        job(15, "Inc-V2 (C)", 116, .batching, (50, 7.2), 6.0, 5.87, start: 5.1, first: 600),
        job(16, "Inc-V3 (C)", 322, .batching, (86, 9.1), 10.0, 10.0, start: 6, first: 800),
        job(17, "Inc-V4 (C)", 139, .batching, (98, 10.4), 14.0, 14.0, start: 7, first: 1_100),
        job(18, "Mob-V1-1 (C)", 89, .tenancy, (60, 6.1), 5.9, 1.6, 1, start: 4.2, first: 200),
        job(19, "Mob-V1-0.5 (C)", 60, .tenancy, (33, 6.0), 5.4, 0.925, 1, start: 4.2, first: 150),
        job(20, "Mob-V1-0.25 (C)", 104, .tenancy, (46, 5.7), 5.2, 0.715, 1, start: 4, first: 100),
        job(21, "Mob-V2-1 (C)", 129, .tenancy, (50, 7.3), 7.1, 2.44, 1, start: 4.5, first: 200),
        job(22, "PNASNet-L (C)", 524, .batching, (26, 45.5), 66, 66, start: 14.1, first: 1_400),
        job(23, "PNASNet-mob (C)", 321, .batching, (60, 7.8), 18, 7.26, start: 6.5, first: 450),
        job(24, "Res-50 (C)", 31, .batching, (43, 7.9), 7.3, 7.26, start: 5.2, first: 600),
        job(25, "Res-101 (C)", 107, .batching, (85, 8.4), 11.5, 11.5, start: 7, first: 750),
        video(29, "DeePVS LEDOV", 3_000, host: 1_103, device: 540),
        video(30, "DeePVS DHF1K", 5_000, host: 977, device: 467),
    ]

    private static func job(
        _ number: Int,
        _ name: String,
        _ sloMs: Double,
        _ method: Method,
        _ batch: (fixed: Double, perItem: Double),
        _ host: Double,
        _ device: Double,
        _ bias: Int64 = 3,
        start: Double,
        first: Double
    ) -> P40Job {
        P40Job(
            number: number,
            name: name,
            sloMs: sloMs,
            method: method,
            batchFixed: batch.fixed,
            batchPerItem: batch.perItem,
            host: host,
            device: device,
            maxBatch: 128,
            biasSeconds: bias,
            startSeconds: start,
            firstUseMs: first
        )
    }

    private static func video(
        _ number: Int,
        _ name: String,
        _ sloMs: Double,
        host: Double,
        device: Double
    ) -> P40Job {
        P40Job(
            number: number,
            name: name,
            sloMs: sloMs,
            method: .tenancy,
            batchFixed: 0,
            batchPerItem: host,
            host: host,
            device: device,
            maxBatch: 1,
            biasSeconds: 15,
            startSeconds: 10,
            firstUseMs: 0
        )
    }
}
