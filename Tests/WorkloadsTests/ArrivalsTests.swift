import ServingDomain
import Testing
import Workloads

@Suite("Arrivals")
struct ArrivalsTests {
    private func gaps(_ process: ArrivalProcess, seed: UInt64, count: Int) -> [Double] {
        let times = Arrivals(process, seed: seed).prefix(count).map(\.inSeconds)
        return zip(times, [0] + times).map { $0 - $1 }
    }

    @Test("Poisson gaps have mean 1/rate and a coefficient of variation of 1", arguments: 1...5)
    func poisson(seed: Int) {
        let gaps = gaps(.poisson(rate: 250), seed: UInt64(seed), count: 100_000)
        let mean = gaps.reduce(0, +) / Double(gaps.count)
        let variance = gaps.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(gaps.count)
        #expect(abs(mean * 250 - 1) < 0.015, "seed \(seed): mean \(mean)")
        #expect(abs(variance.squareRoot() / mean - 1) < 0.03, "seed \(seed)")
        #expect(gaps.allSatisfy { $0 >= 0 })
    }

    @Test("Poisson counts of 1 s windows have variance equal to their mean")
    func poissonCounts() {
        let seed: UInt64 = 9
        var counts = Array(repeating: 0.0, count: 2_000)
        for time in Arrivals(.poisson(rate: 50), seed: seed) {
            let window = Int(time.nanoseconds / 1_000_000_000)
            guard window < counts.count else { break }
            counts[window] += 1
        }
        let mean = counts.reduce(0, +) / Double(counts.count)
        let variance = counts.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(counts.count)
        #expect(abs(variance / mean - 1) < 0.12, "seed \(seed): \(variance) / \(mean)")
    }

    @Test("Uniform arrivals don't drift: the millionth is where it belongs")
    func uniform() {
        var arrivals = Arrivals(.uniform(rate: 3), seed: 1)
        var last: TimeSpan?
        for _ in 0..<900_000 { last = arrivals.next() }
        #expect(last == .seconds(300_000))
    }

    @Test("Bursty arrivals keep the mean rate, and are more uneven than Poisson", arguments: 1...3)
    func bursty(seed: Int) {
        let burst = Burst.standard(rate: 100)
        #expect(abs(burst.meanRate - 100) < 1e-9)
        var counts = Array(repeating: 0.0, count: 20_000)
        for time in Arrivals(.bursty(burst), seed: UInt64(seed)) {
            let window = Int(time.nanoseconds / 1_000_000_000)
            guard window < counts.count else { break }
            counts[window] += 1
        }
        let mean = counts.reduce(0, +) / Double(counts.count)
        let variance = counts.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(counts.count)
        #expect(abs(mean / 100 - 1) < 0.03, "seed \(seed): mean \(mean)")
        #expect(variance / mean > 10, "seed \(seed): index of dispersion \(variance / mean)")
    }

    @Test("An on/off process is silent between bursts and sends at the burst's rate within")
    func onOff() {
        let seed: UInt64 = 4
        let burst = Burst(
            calmRate: 0,
            burstRate: 1_000,
            meanCalm: .seconds(1),
            meanBurst: .seconds(1)
        )
        let gaps = gaps(.bursty(burst), seed: seed, count: 50_000)
        let short = gaps.filter { $0 < 0.015 }
        let mean = short.reduce(0, +) / Double(short.count)
        #expect(abs(mean * 1_000 - 1) < 0.03, "seed \(seed): \(mean)")
        #expect(gaps.contains { $0 > 1 }, "seed \(seed)")
    }

    @Test("Same seed and stream: same times; another seed or stream: other times")
    func determinism() {
        for process in [
            ArrivalProcess.poisson(rate: 10), .bursty(.standard(rate: 10)),
        ] {
            let first = Array(Arrivals(process, seed: 5, stream: 2).prefix(1_000))
            #expect(first == Array(Arrivals(process, seed: 5, stream: 2).prefix(1_000)))
            #expect(first != Array(Arrivals(process, seed: 6, stream: 2).prefix(1_000)))
            #expect(first != Array(Arrivals(process, seed: 5, stream: 3).prefix(1_000)))
            #expect(zip(first, first.dropFirst()).allSatisfy { $0 <= $1 })
        }
    }

    @Test("The first times of seed 1 never change: recorded experiments depend on them")
    func golden() {
        let times = Arrivals(.poisson(rate: 1_000), seed: 1).prefix(3).map(\.nanoseconds)
        #expect(times == [473_205, 2_912_667, 2_936_367])
        let trace = Arrivals(.trace([.seconds(1), .seconds(2)]), seed: 1)
        #expect(Array(trace) == [.seconds(1), .seconds(2)])
        #expect(Array(Arrivals(.closed(concurrency: 4), seed: 1)).isEmpty)
    }

    @Test("Parameters that can't be used are told in one line")
    func flaws() {
        let bad: [ArrivalProcess] = [
            .poisson(rate: 0), .uniform(rate: -1), .poisson(rate: .nan), .uniform(rate: 1e9),
            .trace([]), .closed(concurrency: 0), .closed(concurrency: 1 << 20),
            .bursty(Burst(calmRate: -1, burstRate: 1, meanCalm: .seconds(1), meanBurst: .zero)),
            .bursty(Burst(calmRate: 0, burstRate: 1, meanCalm: .seconds(1), meanBurst: .zero)),
        ]
        for process in bad { #expect(process.flaw != nil, "\(process)") }
        #expect(ArrivalProcess.poisson(rate: 1).flaw == nil)
        #expect(ArrivalProcess.poisson(rate: 7).meanRate == 7)
        #expect(ArrivalProcess.trace([.seconds(2), .seconds(4)]).meanRate == 0.5)
        #expect(ArrivalProcess.closed(concurrency: 1).meanRate == nil)
    }
}
