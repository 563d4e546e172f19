/// Watches how many of the last 64 high-priority batches took over a tenth longer than their safe
/// forecast, margin included: batches that are launched later make every forecast a little short,
/// which is what margins are for.
///
/// Above a fifth of them the forecast is not to be trusted: high priority then runs alone on its
/// device, until fewer than a tenth are.
package struct UnderPrediction: Sendable {
    private var bits: UInt64 = 0
    private var seen = 0
    /// Whether high priority is to run alone.
    package private(set) var isSafeMode = false
    /// How often that began.
    package private(set) var alarms: Int64 = 0

    private static let window = 64

    /// Creates a watch that has seen nothing.
    package init() {}

    /// Takes note of one forecast.
    package mutating func note(isShort: Bool) {
        bits = bits << 1 | (isShort ? 1 : 0)
        seen = min(seen + 1, Self.window)
        let count = bits.nonzeroBitCount
        if isSafeMode {
            isSafeMode = count * 10 >= Self.window
        } else if seen == Self.window, count * 5 > Self.window {
            isSafeMode = true
            alarms += 1
        }
    }
}
