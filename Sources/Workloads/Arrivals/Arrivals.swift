public import ServingDomain

/// The intended send times of a process, ascending, from the start of the load.
///
/// An open loop never ends by itself but for a trace; take as many as the duration needs. A
/// closed loop has no intended times, so it yields none. Same process, seed and stream: same
/// times (as long as the C library rounds logarithms alike). Cost: tens of nanoseconds a time, no
/// allocation.
public struct Arrivals: Sequence, IteratorProtocol, Sendable {
    private let process: ArrivalProcess
    private var generator: SeededGenerator
    /// Seconds from the start; the sum of gaps, rounded only when it is given out.
    private var clock = 0.0
    private var count = 0
    private var bursting = false
    private var phaseEnd = 0.0

    /// Creates the arrivals of a process.
    ///
    /// - Parameters:
    ///   - process: Must have no `flaw`.
    ///   - seed: The seed of the whole load.
    ///   - stream: Which of the seed's independent streams, such as the model's number.
    public init(_ process: ArrivalProcess, seed: UInt64, stream: UInt64 = 0) {
        precondition(process.flaw == nil)
        self.process = process
        generator = SeededGenerator(seed: seed, stream: stream)
        if case .bursty(let burst) = process {
            phaseEnd = generator.exponential() * burst.meanCalm.inSeconds
        }
    }

    /// The next intended send time; nil after a trace's last, and always in a closed loop.
    public mutating func next() -> TimeSpan? {
        defer { count += 1 }
        switch process {
        case .poisson(let rate):
            clock += generator.exponential() / rate
            return Self.span(clock)
        case .uniform(let rate):
            // Multiplied, not summed: a million gaps of 1/3 s must not drift.
            return Self.span(Double(count + 1) / rate)
        case .bursty(let burst):
            advance(burst)
            return Self.span(clock)
        case .steps(let steps):
            return advance(steps) ? Self.span(clock) : nil
        case .trace(let times):
            return count < times.count ? times[count] : nil
        case .closed:
            return nil
        }
    }

    /// Moves to the next arrival, through as many steps as lie before it; false after the last.
    private mutating func advance(_ steps: RateSteps) -> Bool {
        var work = generator.exponential()
        while let (rate, end) = steps.step(at: clock) {
            let room = (end - clock) * rate
            if work < room {
                clock += work / rate
                return true
            }
            work -= room
            clock = end
        }
        return false
    }

    /// Moves to the next arrival, through as many changes of phase as lie before it.
    ///
    /// What is left of a gap when the phase ends is scaled to the next phase's rate, which is
    /// exact, since exponential gaps have no memory.
    private mutating func advance(_ burst: Burst) {
        var work = generator.exponential()
        while true {
            let rate = bursting ? burst.burstRate : burst.calmRate
            let room = (phaseEnd - clock) * rate
            if work < room {
                clock += work / rate
                return
            }
            work -= room
            clock = phaseEnd
            bursting.toggle()
            let mean = bursting ? burst.meanBurst : burst.meanCalm
            phaseEnd = clock + generator.exponential() * mean.inSeconds
        }
    }

    private static func span(_ seconds: Double) -> TimeSpan {
        .milliseconds(rounding: seconds * 1_000)
    }
}
