import ServingDomain
import Testing
import Workloads

/// Rates that change from step to step.
@Suite struct RateStepsTests {
    @Test("Each step has arrivals at its own rate, silence none, and nothing comes after the last")
    func rates() {
        let steps = RateSteps(step: .seconds(100), rates: [50, 0, 200])
        var counts = [0, 0, 0]
        for time in Arrivals(.steps(steps), seed: 3) {
            counts[Int(time.nanoseconds / 100_000_000_000)] += 1
        }
        // Poisson: mean n, deviation sqrt(n).
        #expect(abs(counts[0] - 5_000) < 250)
        #expect(counts[1] == 0)
        #expect(abs(counts[2] - 20_000) < 500)
        #expect(abs(steps.meanRate - 250 / 3) < 1e-9)
    }

    @Test("A repeating sequence never ends; a formula is taken at the middle of each step")
    func repeating() {
        var arrivals = Arrivals(
            .steps(RateSteps(step: .seconds(1), rates: [10, 0], repeats: true)),
            seed: 1
        )
        var last = TimeSpan.zero
        for _ in 0..<1_000 { last = arrivals.next() ?? last }
        #expect(abs(last.inSeconds - 200) < 20)
        let line = RateSteps(step: .seconds(2), duration: .seconds(6)) { 10 * $0 }
        #expect(line.rates == [10, 30, 50])
    }

    @Test("The Azure-like day has the mean that was asked for, and the same seed gives the same")
    func azure() {
        let day = RateSteps.azureLike(meanRate: 100, duration: .seconds(144), seed: 5)
        #expect(day.rates.count == 1_440)
        #expect(day.step == .milliseconds(100))
        #expect(abs(day.meanRate / 100 - 1) < 0.25)
        #expect(day == RateSteps.azureLike(meanRate: 100, duration: .seconds(144), seed: 5))
        #expect(day != RateSteps.azureLike(meanRate: 100, duration: .seconds(144), seed: 6))
        let sorted = day.rates.sorted()
        #expect(sorted[1_425] > 2 * sorted[720], "heavy upwards")
    }

    @Test("What makes no sense is refused in one line")
    func flaws() {
        #expect(ArrivalProcess.steps(RateSteps(step: .seconds(1), rates: [])).flaw != nil)
        #expect(ArrivalProcess.steps(RateSteps(step: .seconds(1), rates: [0])).flaw != nil)
        #expect(ArrivalProcess.steps(RateSteps(step: .zero, rates: [1])).flaw != nil)
        #expect(ArrivalProcess.steps(RateSteps(step: .seconds(1), rates: [1, -2])).flaw != nil)
        #expect(ArrivalProcess.steps(RateSteps(step: .seconds(1), rates: [1, 2])).flaw == nil)
    }
}
