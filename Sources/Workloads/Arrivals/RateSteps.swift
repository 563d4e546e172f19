import RealModule
public import ServingDomain

/// A rate that is constant for a while, then another (a non-homogeneous Poisson process): what a
/// file with one rate per line means.
public struct RateSteps: Hashable, Sendable {
    /// How long each rate holds.
    public var step: TimeSpan
    /// The rates in order, in requests per second; 0 = silence.
    public var rates: [Double]
    /// Whether the first follows the last; else nothing comes after it.
    public var repeats: Bool

    /// The most steps.
    public static let countLimit = 1_000_000

    /// Creates a sequence of rates.
    public init(step: TimeSpan, rates: [Double], repeats: Bool = false) {
        self.step = step
        self.rates = rates
        self.repeats = repeats
    }

    /// Rates that follow `formula`, the middle of each step in seconds, until `duration`.
    public init(step: TimeSpan, duration: TimeSpan, _ formula: (_ seconds: Double) -> Double) {
        let count = max(1, min(Self.countLimit, Int(duration.nanoseconds / step.nanoseconds)))
        self.init(
            step: step,
            rates: (0..<count).map {
                max(0, formula((Double($0) + 0.5) * step.inSeconds))
            }
        )
    }

    /// A load like the invocations of one function over a day (Azure Functions, 2019, as far as
    /// its published description goes: a daily rhythm, heavy-tailed minutes, some functions called
    /// on a timer): minute by minute, squeezed so that the day lasts `duration`.
    ///
    /// Ours: mean x (1 + rhythm x sine of the day) x a log-normal factor of the given spread, each
    /// minute's factor keeping `memory` of the last one's logarithm. Not the data set itself.
    public static func azureLike(
        meanRate: Double,
        duration: TimeSpan,
        seed: UInt64,
        rhythm: Double = 0.5,
        spread: Double = 0.5,
        memory: Double = 0.8
    ) -> RateSteps {
        let minutes = 1_440
        var generator = SeededGenerator(seed: seed, stream: 0x417A)
        var logarithm = 0.0
        let step = TimeSpan(nanoseconds: max(1_000_000, duration.nanoseconds / Int64(minutes)))
        let fresh = (1 - memory * memory).squareRoot() * spread
        var rates: [Double] = []
        for minute in 0..<minutes {
            logarithm = memory * logarithm + fresh * Self.normal(&generator)
            let day = 2 * Double.pi * Double(minute) / Double(minutes)
            // The mean of a log-normal factor is e^(spread^2 / 2): taken out again.
            let factor = Double.exp(logarithm - spread * spread / 2)
            rates.append(max(0, meanRate * (1 + rhythm * Double.sin(day)) * factor))
        }
        return RateSteps(step: step, rates: rates, repeats: true)
    }

    /// The mean rate over all steps, in requests per second.
    public var meanRate: Double {
        rates.isEmpty ? 0 : rates.reduce(0, +) / Double(rates.count)
    }

    /// What is wrong with the parameters, in one line; nil when they can be used.
    public var flaw: String? {
        if step < .milliseconds(1) { return "steps of a rate must last at least 1 ms" }
        guard !rates.isEmpty, rates.count <= Self.countLimit else {
            return "\(rates.count) rates are given; there must be 1 to \(Self.countLimit)"
        }
        for rate in rates where rate != 0 && !ArrivalProcess.isRate(rate) {
            return ArrivalProcess.badRate(rate)
        }
        guard rates.contains(where: { $0 > 0 }) else { return "all rates of the steps are 0" }
        return nil
    }

    /// The rate at `clock` (in seconds) and when it ends; nil after the last step.
    func step(at clock: Double) -> (rate: Double, end: Double)? {
        let length = step.inSeconds
        var number = Int((clock / length).rounded(.down))
        // Where rounding has put the end of a step just before itself.
        if Double(number + 1) * length <= clock { number += 1 }
        guard repeats || number < rates.count else { return nil }
        return (rates[number % rates.count], Double(number + 1) * length)
    }

    private static func normal(_ generator: inout SeededGenerator) -> Double {
        let first = 1 - generator.unit()
        let second = generator.unit()
        return (-2 * Double.log(first)).squareRoot() * Double.cos(2 * Double.pi * second)
    }
}
