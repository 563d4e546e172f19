public import ServingDomain

/// A load that switches between a calm and a burst rate, each for exponentially distributed times
/// (Markov-modulated Poisson process with two states; Fischer and Meier-Hellstern, 1993).
public struct Burst: Hashable, Sendable {
    /// Requests per second outside of bursts; 0 = silence (an on/off process).
    public var calmRate: Double
    /// Requests per second within bursts.
    public var burstRate: Double
    /// The mean length of a calm time.
    public var meanCalm: TimeSpan
    /// The mean length of a burst.
    public var meanBurst: TimeSpan

    /// Creates a process from its four parameters.
    public init(calmRate: Double, burstRate: Double, meanCalm: TimeSpan, meanBurst: TimeSpan) {
        self.calmRate = calmRate
        self.burstRate = burstRate
        self.meanCalm = meanCalm
        self.meanBurst = meanBurst
    }

    /// The process that `bursty` means without further parameters: a mean of `rate`, four times
    /// the calm rate within bursts, calm for 4 s and bursting for 1 s on average.
    public static func standard(rate: Double) -> Burst {
        // calm x 4/5 + 4 x calm x 1/5 = rate
        let calm = rate / 1.6
        return Burst(
            calmRate: calm,
            burstRate: 4 * calm,
            meanCalm: .seconds(4),
            meanBurst: .seconds(1)
        )
    }

    /// The mean rate over calm times and bursts.
    public var meanRate: Double {
        let (calm, burst) = (meanCalm.inSeconds, meanBurst.inSeconds)
        return (calmRate * calm + burstRate * burst) / (calm + burst)
    }

    /// What is wrong with the parameters, in one line; nil when they can be used.
    public var flaw: String? {
        guard calmRate == 0 || ArrivalProcess.isRate(calmRate) else {
            return ArrivalProcess.badRate(calmRate)
        }
        guard ArrivalProcess.isRate(burstRate) else { return ArrivalProcess.badRate(burstRate) }
        guard meanCalm >= .milliseconds(1), meanBurst >= .milliseconds(1) else {
            return "calm times and bursts must last at least 1 ms on average"
        }
        return nil
    }
}
