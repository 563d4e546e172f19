package import ServingDomain

/// Learns what the host takes around the batches of one row, as a line over their items.
///
/// Least squares over moving means: each batch counts as one of `memory`. A slope needs batches of
/// several sizes; while all have one, what they take counts as fixed. One stall can't turn a model
/// away: no sample counts more than four times the present line and 5 ms.
package struct HostTimeLearner: Hashable, Sendable {
    private static let ceiling = 5_000_000.0
    /// Sizes that differ by less than this part of their mean say nothing of a slope.
    private static let ridge = 0.05

    private let memory: Double
    private var items = 0.0, span = 0.0, squares = 0.0, products = 0.0
    /// How many batches it has seen.
    package private(set) var samples: Int64 = 0
    /// What it says, in whole nanoseconds.
    package private(set) var line = HostTime.none

    /// Nothing is known; the host takes no time.
    ///
    /// - Parameter memory: How many batches count; 64 follow the host as it is now.
    package init(memory: Int = 64) { self.memory = Double(memory) }

    /// Takes note that the host took `span` around a batch of `items`. Cost: O(1), no allocation.
    package mutating func learn(items: Int32, span: TimeSpan) {
        guard items >= 1, span >= .zero else { return }
        let size = Double(items)
        let most = 4 * Double(line.span(items: items).nanoseconds) + Self.ceiling
        let sample = min(Double(span.nanoseconds), most)
        samples += 1
        let part = 1 / min(memory, Double(samples))
        self.items += (size - self.items) * part
        self.span += (sample - self.span) * part
        squares += (size * size - squares) * part
        products += (size * sample - products) * part
        fit()
    }

    private mutating func fit() {
        let spread = max(0, squares - items * items)
        let slope = (products - items * span) / (spread + Self.ridge * items * items)
        // Neither part of a cost is below zero: then the line goes through the mean.
        let perItem = min(max(0, slope), span / items)
        line = HostTime(
            fixed: TimeSpan(nanoseconds: Int64((span - perItem * items).rounded())),
            perItem: TimeSpan(nanoseconds: Int64(perItem.rounded()))
        )
    }
}
