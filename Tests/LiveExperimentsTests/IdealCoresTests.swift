import ServingDomain
import Testing
import Workloads

@testable import LiveExperiments

/// What cores allow that do nothing but the models' own computing.
@Suite struct IdealCoresTests {
    private func work(
        _ at: [Double],
        time: Double,
        objective: Double,
        isHigh: Bool = false
    ) -> IdealCores.Work {
        IdealCores.Work(
            process: .trace(at.map { .milliseconds(rounding: $0 * 1_000) }),
            time: time,
            objective: objective,
            isHigh: isHigh
        )
    }

    private func percent(_ cores: Int, _ works: [IdealCores.Work], warmUp: Double = 0) -> Double {
        IdealCores(cores: cores)
            .violationPercent(of: works, seed: 1, warmUp: warmUp, seconds: 100)
    }

    @Test("As many requests at a time as there are cores, the others after them")
    func cores() {
        let four = work([1, 1, 1, 1], time: 1, objective: 1.5)
        #expect(percent(1, [four]) == 75)
        #expect(percent(2, [four]) == 50)
        #expect(percent(4, [four]) == 0)
    }

    @Test("High takes the core from low at once, and low goes on where it was")
    func preemption() {
        let low = work([1], time: 2, objective: 3.1)
        let high = work([2], time: 1, objective: 1, isHigh: true)
        #expect(percent(1, [low, high]) == 0)
        let tight = work([1], time: 2, objective: 2.9)
        #expect(percent(1, [tight, high]) == 50)
    }

    @Test("Within a class the earliest deadline goes first, and the hopeless takes no time")
    func deadlines() {
        let long = work([1], time: 1, objective: 5)
        let short = work([1.5], time: 1, objective: 1)
        #expect(percent(1, [long, short]) == 0)
        // The second of three can't be in time any more once the first has run; the third can.
        #expect(percent(1, [work([1, 1, 2], time: 1, objective: 1)]) == 100.0 / 3)
    }

    @Test("What comes during the warm-up is served but not counted, and nobody is nothing")
    func warmUp() {
        let works = [work([1, 1, 1], time: 5, objective: 1)]
        #expect(percent(1, works) == 100)
        #expect(percent(1, works, warmUp: 2) == 0)
    }

    @Test("A load beyond the cores misses as much as it is beyond them", arguments: 1...4)
    func overload(seed: UInt64) {
        let work = IdealCores.Work(
            process: .poisson(rate: 300),
            time: 0.01,
            objective: 0.5,
            isHigh: false
        )
        let found = IdealCores(cores: 2)
            .violationPercent(of: [work], seed: seed, warmUp: 5, seconds: 60)
        // 200 of 300 can be served.
        #expect(abs(found - 100.0 / 3) < 3, "seed \(seed)")
    }
}
