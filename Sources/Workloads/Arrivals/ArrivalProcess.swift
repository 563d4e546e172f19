public import ServingDomain

/// When requests of one model are sent. Rates are in requests per second.
public enum ArrivalProcess: Hashable, Sendable {
    /// Independent arrivals: exponentially distributed gaps.
    case poisson(rate: Double)
    /// Equal gaps of 1/rate; the first arrival after one gap.
    case uniform(rate: Double)
    /// Calm and burst take turns (a two-state Markov-modulated Poisson process).
    case bursty(Burst)
    /// Poisson arrivals whose rate changes from step to step.
    case steps(RateSteps)
    /// The times of a recorded trace, ascending, from its own zero.
    case trace([TimeSpan])
    /// No intended times: `concurrency` clients that each send as soon as they have an answer.
    case closed(concurrency: Int)

    /// The largest rate that a process may have, in requests per second.
    public static let rateLimit = 10_000_000.0

    /// The largest number of clients in a closed loop.
    public static let concurrencyLimit = 65_536

    /// The mean rate in requests per second; nil for a closed loop and an empty trace.
    public var meanRate: Double? {
        switch self {
        case .poisson(let rate), .uniform(let rate): rate
        case .bursty(let burst): burst.meanRate
        case .steps(let steps): steps.meanRate
        case .trace(let times):
            times.last.flatMap { $0 > .zero ? Double(times.count) / $0.inSeconds : nil }
        case .closed: nil
        }
    }

    /// What is wrong with the parameters, in one line; nil when they can be used.
    public var flaw: String? {
        switch self {
        case .poisson(let rate), .uniform(let rate):
            Self.isRate(rate) ? nil : Self.badRate(rate)
        case .bursty(let burst):
            burst.flaw
        case .steps(let steps):
            steps.flaw
        case .trace(let times):
            times.isEmpty ? "the trace has no arrivals; give at least one line" : nil
        case .closed(let concurrency):
            (1...Self.concurrencyLimit).contains(concurrency)
                ? nil
                : "concurrency \(concurrency) is outside 1...\(Self.concurrencyLimit)"
        }
    }

    static func isRate(_ rate: Double) -> Bool { rate > 0 && rate <= rateLimit }

    static func badRate(_ rate: Double) -> String {
        "rate \(rate) is not within 0 (excluded) to \(rateLimit) requests per second"
    }
}
