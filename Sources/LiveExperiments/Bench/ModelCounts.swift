import Foundation

/// What a server counted of one model so far, by Triton's statistics.
struct ModelCounts: Hashable, Sendable {
    /// Batches of one size.
    struct Size: Hashable, Sendable {
        /// Items in each.
        var items: Int
        /// How many there were.
        var batches: Int
        /// Their time in the engine, in seconds.
        var seconds = 0.0
        /// The time that gathering their inputs took, in seconds.
        var gathering = 0.0
    }

    /// Items that were answered, and batches that ran.
    var inferences = 0, executions = 0
    /// Requests that failed.
    var failures = 0
    /// Requests that got a result, and their time in the server, in seconds.
    var answered = 0, answering = 0.0
    /// Batches by their sizes, ascending.
    var sizes: [Size] = []

    /// Time in the engine over all batches, in seconds.
    var computing: Double { sizes.reduce(0) { $0 + $1.seconds } }

    /// Counts of nothing.
    init() {}

    /// Reads the answer of `/v2/models/NAME/stats`; versions are added up.
    ///
    /// - Throws: `LiveError` where it is no such answer.
    init(json: [UInt8]) throws(LiveError) {
        let parsed = try? JSONSerialization.jsonObject(with: Data(json)) as? [String: Any]
        guard let models = parsed?["model_stats"] as? [[String: Any]] else {
            throw LiveError("the server's statistics can't be read; is it a v2 server?")
        }
        func number(_ entry: Any?, _ key: String) -> Int {
            ((entry as? [String: Any])?[key] as? NSNumber)?.intValue ?? 0
        }
        var bySize: [Int: Size] = [:]
        for model in models {
            inferences += number(model, "inference_count")
            executions += number(model, "execution_count")
            let times = model["inference_stats"] as? [String: Any]
            failures += number(times?["fail"], "count")
            answered += number(times?["success"], "count")
            answering += Double(number(times?["success"], "ns")) / 1e9
            for entry in model["batch_stats"] as? [[String: Any]] ?? [] {
                let (items, infer) = (number(entry, "batch_size"), entry["compute_infer"])
                bySize[items, default: Size(items: items, batches: 0)].batches +=
                    number(infer, "count")
                bySize[items]?.seconds += Double(number(infer, "ns")) / 1e9
                bySize[items]?.gathering += Double(number(entry["compute_input"], "ns")) / 1e9
            }
        }
        sizes = bySize.values.sorted { $0.items < $1.items }
    }

    /// What came between two readings.
    func since(_ before: ModelCounts) -> ModelCounts {
        var counts = ModelCounts()
        counts.inferences = inferences - before.inferences
        counts.executions = executions - before.executions
        counts.failures = failures - before.failures
        counts.answered = answered - before.answered
        counts.answering = answering - before.answering
        counts.sizes = sizes.compactMap { size in
            var more = size
            if let earlier = before.sizes.first(where: { $0.items == size.items }) {
                more.batches -= earlier.batches
                more.seconds -= earlier.seconds
                more.gathering -= earlier.gathering
            }
            return more.batches > 0 ? more : nil
        }
        return counts
    }
}
