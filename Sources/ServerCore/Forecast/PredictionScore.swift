/// How well something was predicted: sums over relative errors.
public struct PredictionScore: Hashable, Sendable {
    /// How many predictions were held against what came.
    public var count: Int64 = 0
    /// The sums of |actual - predicted| / actual, and of (predicted - actual) / actual.
    public var absolute = 0.0, signed = 0.0
    /// Those where the actual time was over a tenth longer than predicted.
    public var short: Int64 = 0

    /// Nothing predicted yet.
    public init() {}

    /// The mean absolute error in per cent; nil without predictions.
    public var meanPercent: Double? { count > 0 ? 100 * absolute / Double(count) : nil }
    /// The mean signed error in per cent, positive when predicted too long.
    public var biasPercent: Double? { count > 0 ? 100 * signed / Double(count) : nil }

    /// Takes note of one prediction; times are in nanoseconds.
    mutating func note(predicted: Double, actual: Double) {
        guard actual > 0, predicted.isFinite else { return }
        count += 1
        absolute += abs(predicted - actual) / actual
        signed += (predicted - actual) / actual
        if actual > predicted * 1.1 { short += 1 }
    }

    /// Adds the sums of `other`.
    public mutating func add(_ other: PredictionScore) {
        count += other.count
        absolute += other.absolute
        signed += other.signed
        short += other.short
    }
}

/// How well batches were predicted within a span of time.
public struct PredictionWindow: Hashable, Sendable {
    /// The window's number: its beginning divided by its length.
    public var number: Int64 = -1
    /// Runs with co-runners, their co-location known: by the weights of the time, by those that
    /// the forecast began with, and as if co-runners cost nothing.
    public var learned = PredictionScore(), fixed = PredictionScore(), solo = PredictionScore()
    /// The same by the co-runners that were there at the launch.
    public var snapshot = PredictionScore()
    /// From launch to finish as predicted at launch, by class.
    public var high = PredictionScore(), low = PredictionScore()
    /// From launch to the beginning of the run: the transfer's part.
    public var transfer = PredictionScore()
    /// From beginning to end of the run: the kernels' part.
    public var run = PredictionScore()

    /// Nothing predicted yet.
    public init() {}
}

/// Predictions against actual times, in windows of one second, the last 256 of them.
package struct PredictionLog: Sendable {
    private static let length: Int64 = 1_000_000_000
    private static let capacity = 256

    private var windows = Array(repeating: PredictionWindow(), count: capacity)
    /// All of it.
    package private(set) var total = PredictionWindow()

    init() {}

    /// Notes in the window of `now` and in the total.
    mutating func note(at now: Int64, _ body: (inout PredictionWindow) -> Void) {
        let number = max(0, now) / Self.length
        let place = Int(number % Int64(Self.capacity))
        if windows[place].number != number {
            windows[place] = PredictionWindow()
            windows[place].number = number
        }
        body(&windows[place])
        body(&total)
    }

    /// The windows that are kept, by number. Allocates; for reports.
    package var inOrder: [PredictionWindow] {
        windows.filter { $0.number >= 0 }.sorted { $0.number < $1.number }
    }
}
