/// How many Poisson arrivals fall into a stretch of time, as far as it matters.
///
/// Counts whose chance is below a trillionth of the likeliest one's are left out. The weights are
/// built from the mode outwards and then divided by their sum, so that no mean is too large.
/// Cost: O(square root of the mean).
struct PoissonCounts {
    /// The smallest count that is kept.
    let low: Int
    /// The chances of `low`, `low + 1` and so on; they sum to 1.
    let weights: [Double]

    /// Counts around `mean`, which is finite and not negative.
    init(mean: Double) {
        precondition(mean >= 0 && mean < 1e9)
        let mode = Int(mean)
        var upper = [1.0]
        var weight = 1.0
        var count = mode
        while weight > 1e-12 {
            count += 1
            weight *= mean / Double(count)
            upper.append(weight)
        }
        var lower: [Double] = []
        weight = 1
        count = mode
        while count > 0, weight > 1e-12 {
            weight *= Double(count) / mean
            count -= 1
            lower.append(weight)
        }
        let sum = upper.reduce(0, +) + lower.reduce(0, +)
        low = mode - lower.count
        weights = (lower.reversed() + upper).map { $0 / sum }
    }

    /// The largest count that is kept.
    var high: Int { low + weights.count - 1 }

    /// The chance that nothing arrives.
    var ofNone: Double { low == 0 ? weights[0] : 0 }

    /// For every kept count the mean of what goes beyond it.
    func excesses() -> Excesses { Excesses(self) }

    /// E[max(0, count - k)] for every k.
    struct Excesses {
        private let low: Int
        private let values: [Double]

        fileprivate init(_ counts: PoissonCounts) {
            low = counts.low
            var values = Array(repeating: 0.0, count: counts.weights.count)
            var above = 0.0
            for place in stride(from: values.count - 2, through: 0, by: -1) {
                above += counts.weights[place + 1]
                values[place] = values[place + 1] + above
            }
            self.values = values
        }

        /// The mean of what goes beyond `count`.
        func beyond(_ count: Int) -> Double {
            if count < low { return values[0] + Double(low - count) }
            return count - low < values.count ? values[count - low] : 0
        }

        /// The mean number of arrivals among those numbered `first + 1` to `last`.
        func between(_ first: Int, _ last: Int) -> Double {
            last > first ? beyond(first) - beyond(last) : 0
        }
    }
}
