/// What of the forecast a policy wants, and which of its parts are switched off for comparison
/// (ablations of `reproduce strait`).
package struct ForecastOptions: Hashable, Sendable {
    /// Whether the policy asks for co-runners and copies; if so each launch is predicted, and the
    /// predictions are held against what came.
    package var isAsked = false
    /// Whether copies wait for each other and share links.
    package var hasTransfers = true
    /// Whether co-runners cost anything.
    package var hasInterference = true
    /// Whether the weights follow what is measured.
    package var isLearning = true
    /// Whether forecasts get a margin.
    package var hasMargins = true
    /// Whether the last ten times of every batch size are kept (policy `clockwork`).
    package var keepsTimes = false
    /// The part of high-priority requests that may miss their deadline.
    package var missTarget = 0.005
    /// Whether that part moves the safety of high forecasts.
    package var isSteered = false
    /// The parts of the high and the low class that are to end within their safe forecast.
    package var highTarget = 0.8, lowTarget = 0.9

    /// What policies want that only look at latencies.
    package static let plain = ForecastOptions()

    /// Creates the options of a policy that asks for nothing.
    package init() {}
}
