public import ServingDomain

/// How far a load has come.
public struct LoadProgress: Hashable, Sendable {
    /// Since the first request was meant to be sent.
    public var elapsed: TimeSpan
    /// Warm-up and measured part together.
    public var length: TimeSpan
    /// Whether requests are not counted yet.
    public var isWarmingUp: Bool
    /// Requests that were answered so far, those of the warm-up included.
    public var answered: Int
    /// Of these, how many had a result.
    public var succeeded: Int
    /// Requests that are out.
    public var inFlight: Int
    /// Answers per second since the last report.
    public var rate: Double

    /// One line of at most `width` characters, with a bar, for a terminal.
    public func line(width: Int) -> String {
        let share = length > .zero ? min(1, max(0, elapsed.inSeconds / length.inSeconds)) : 1
        let errors = answered - succeeded
        let seconds = Int(elapsed.inSeconds.rounded(.down))
        let tail =
            " \(seconds)/\(Int(length.inSeconds.rounded(.up))) s"
            + (isWarmingUp ? ", warming up" : "")
            + ", \(Int(rate.rounded())) answers/s, \(inFlight) out"
            + (errors > 0 ? ", \(errors) errors" : "")
        let room = min(40, width - tail.count - 2)
        guard room >= 5 else { return String(tail.dropFirst().prefix(max(0, width))) }
        let filled = Int((Double(room) * share).rounded(.down))
        let bar =
            String(repeating: "#", count: filled) + String(repeating: ".", count: room - filled)
        return "[\(bar)]\(tail)"
    }
}
