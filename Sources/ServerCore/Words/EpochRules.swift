public import ServingDomain

/// When the plan is made anew because demand has drifted; without rules it never is.
///
/// Arrivals of each model are counted in samples; their moving mean, with headroom, is the
/// target rate. At the end of every epoch targets are compared with the rates that the present
/// plan was made for. Integers only.
public struct EpochRules: Hashable, Sendable {
    /// The length of an epoch.
    public var period: TimeSpan
    /// The length of a sample.
    public var sample: TimeSpan
    /// The weight of the newest sample in the moving mean, in millionths.
    public var weightMicro: Int64
    /// Headroom: the mean times this many thousandths, below and from `slowMilliRate` on.
    public var slowHeadroomMilli: Int64, headroomMilli: Int64
    /// Where a model counts as slow, in thousandths of a request per second.
    public var slowMilliRate: Int64
    /// The target is at least the largest of the last samples (`peakSamples`) times this many
    /// thousandths; 0 = peaks don't count.
    public var peakMilli: Int64
    /// How many samples a peak is remembered for.
    public var peakSamples: Int32
    /// Two samples in a row that lie further from the mean than so many standard deviations of
    /// Poisson arrivals, on the same side, are a jump: the mean becomes what they say, for a rise
    /// the larger one. 0 = the mean only moves.
    public var jumpDeviations: Int32
    /// A target above the planned rate by more than this (in thousandths), or by more than so
    /// many thousandths of a request per second, asks for a plan.
    public var riseMilli: Int64, riseMilliRate: Int64
    /// A target below the planned rate by more than this, in thousandths, asks for a plan.
    public var fallMilli: Int64
    /// In how many epochs in a row a fall must be seen before it counts.
    public var fallEpochs: Int32
    /// Below this mean a model is idle and its target is 0, in thousandths of a request per second.
    public var idleMilliRate: Int64
    /// Whether a fall makes the planner begin anew instead of from the present plan.
    public var repartitionsOnFall: Bool
    /// A rise of less than this asks for nothing, in thousandths of a request per second.
    public var leastRiseMilliRate: Int64
    /// Every model is planned for at least this rate, in thousandths of a request per second, so
    /// that one that nobody asks for yet has a seat.
    public var floorMilliRate: Int64
    /// How long a plan stays before drift or new rows may ask for another; a rise by half asks at
    /// once. Every change of layout costs drained and loaded lanes.
    public var calm: TimeSpan
    /// Whether planners are told what the forecast has learned: how far profiles are off, and
    /// what co-runners cost. New rows of a profile then ask for a plan.
    public var feedsBack: Bool

    /// Creates rules; the defaults are those of `standard`.
    public init(
        period: TimeSpan,
        sample: TimeSpan,
        weightMicro: Int64,
        slowHeadroomMilli: Int64 = 1_100,
        headroomMilli: Int64 = 1_100,
        slowMilliRate: Int64 = 0,
        peakMilli: Int64 = 0,
        peakSamples: Int32 = 1,
        jumpDeviations: Int32 = 0,
        riseMilli: Int64 = 50,
        riseMilliRate: Int64 = 10_000,
        fallMilli: Int64 = 200,
        fallEpochs: Int32 = 2,
        idleMilliRate: Int64 = 0,
        repartitionsOnFall: Bool = false,
        leastRiseMilliRate: Int64 = 0,
        floorMilliRate: Int64 = 0,
        calm: TimeSpan = .zero,
        feedsBack: Bool = false
    ) {
        self.period = period
        self.sample = sample
        self.weightMicro = weightMicro
        self.slowHeadroomMilli = slowHeadroomMilli
        self.headroomMilli = headroomMilli
        self.slowMilliRate = slowMilliRate
        self.peakMilli = peakMilli
        self.peakSamples = peakSamples
        self.jumpDeviations = jumpDeviations
        self.riseMilli = riseMilli
        self.riseMilliRate = riseMilliRate
        self.fallMilli = fallMilli
        self.fallEpochs = fallEpochs
        self.idleMilliRate = idleMilliRate
        self.repartitionsOnFall = repartitionsOnFall
        self.leastRiseMilliRate = leastRiseMilliRate
        self.floorMilliRate = floorMilliRate
        self.calm = calm
        self.feedsBack = feedsBack
    }

    /// gpu-lets' on-line loop as its released code has it: epochs of 20 s, samples of 500 ms, a
    /// moving mean over 40 of them (2 / 41), 1.5 times below 125 requests/s and 1.2 times from
    /// there on; up by 5 % or 10 requests/s, down by 10 % with a full repartition, idle below 1.
    public static let gpulets = EpochRules(
        period: .seconds(20),
        sample: .milliseconds(500),
        weightMicro: 48_780,
        slowHeadroomMilli: 1_500,
        headroomMilli: 1_200,
        slowMilliRate: 125_000,
        fallMilli: 100,
        fallEpochs: 1,
        idleMilliRate: 1_000,
        repartitionsOnFall: true
    )

    /// Ours: epochs of 5 s, a mean over some ten samples of 500 ms, peaks of the last 10 s kept
    /// in part, and a fall counts only when it stays.
    public static let standard = EpochRules(
        period: .seconds(5),
        sample: .milliseconds(500),
        weightMicro: 180_000,
        peakMilli: 800,
        peakSamples: 20
    )

    /// A server's: epochs of a second, jumps of the load seen within two samples, rises of a
    /// seventh and 3 requests/s at least, 10 s between layouts, a seat for every model, and what
    /// was learned is told to the planner.
    public static let live = EpochRules(
        period: .seconds(1),
        sample: .milliseconds(500),
        weightMicro: 180_000,
        slowHeadroomMilli: 1_150,
        headroomMilli: 1_150,
        peakMilli: 600,
        peakSamples: 20,
        jumpDeviations: 3,
        riseMilli: 150,
        riseMilliRate: 1_000_000_000,
        fallMilli: 300,
        fallEpochs: 10,
        leastRiseMilliRate: 3_000,
        floorMilliRate: 1_000,
        calm: .seconds(10),
        feedsBack: true
    )

    /// What is wrong, in one line; nil when the rules can be used.
    var flaw: String? {
        if sample < .milliseconds(10) || period < sample || period > .seconds(86_400) {
            return "Epochs last \(period.inSeconds) s and samples \(sample.inSeconds) s; samples "
                + "must be at least 10 ms, epochs at least one sample and at most a day."
        }
        guard (1...1_000_000).contains(weightMicro) else {
            return "The weight of a sample is \(weightMicro) millionths; it must lie in "
                + "1...1000000."
        }
        let shares: [(String, Int64)] = [
            ("slowHeadroomMilli", slowHeadroomMilli), ("headroomMilli", headroomMilli),
            ("peakMilli", peakMilli), ("riseMilli", riseMilli), ("fallMilli", fallMilli),
        ]
        for (name, value) in shares where !(0...100_000).contains(value) {
            return "Epochs: \(name) is \(value), but must lie in 0...100000; correct it."
        }
        guard (0...1_000).contains(jumpDeviations) else {
            return "Epochs: jumpDeviations is \(jumpDeviations), but must lie in 0...1000; "
                + "correct it."
        }
        guard (1...64).contains(peakSamples), (1...1_000).contains(fallEpochs),
            slowMilliRate >= 0, riseMilliRate >= 0, idleMilliRate >= 0,
            leastRiseMilliRate >= 0, floorMilliRate >= 0, calm >= .zero
        else {
            return "Epochs: peakSamples must lie in 1...64, fallEpochs in 1...1000, and rates may "
                + "not be negative; correct them."
        }
        return nil
    }
}
