import ServerCore
import ServingDomain
import ServingTestKit
import Testing

/// What a batch will take: profile times a correction.
@Suite struct ForecastTests {
    private let spec = ModelSpec.sample(0, latency: [1: 10, 4: 16, 8: 24])

    private func at(_ milliseconds: Int64) -> Instant { .zero + .milliseconds(milliseconds) }

    @Test("Without a measurement the profile counts, beyond it nothing does")
    func profile() {
        var forecast = Forecast(models: 1)
        let row = forecast.claimRow(model: spec.id, kind: "test", units: 4, spec: spec)
        #expect(forecast.latency(row: row, items: 4, at: .zero) == .milliseconds(16))
        #expect(forecast.latency(row: row, items: 6, at: .zero) == .milliseconds(20))
        #expect(forecast.latency(row: row, items: 9, at: .zero) == nil)
        #expect(forecast.latency(row: row, items: 0, at: .zero) == nil)
        #expect(forecast.latency(row: -1, items: 1, at: .zero) == nil)
        #expect(forecast.shortestLatency(model: spec.id, items: 1, at: .zero) == nil)
        forecast.chooseFastest(model: spec.id, among: [row])
        #expect(forecast.shortestLatency(model: spec.id, items: 1, at: .zero) == nil)
        forecast.learn(row: row, items: 1, span: .milliseconds(10), at: .zero)
        #expect(
            forecast.shortestLatency(model: spec.id, items: 1, at: .zero) == .milliseconds(10)
        )
        #expect(forecast.shortestLatency(model: spec.id, items: 1, at: at(10_001)) == nil)
    }

    @Test("The largest batch is the one that just ends in time")
    func largest() {
        var forecast = Forecast(models: 1)
        let row = forecast.claimRow(model: spec.id, kind: "test", units: 4, spec: spec)
        func largest(_ span: TimeSpan, limit: Int32 = 8) -> Int32 {
            forecast.largestBatch(row: row, within: span, limit: limit, at: .zero)
        }
        #expect(largest(.milliseconds(24)) == 8)
        #expect(largest(.milliseconds(24) - TimeSpan(nanoseconds: 1)) == 7)
        #expect(largest(.milliseconds(10)) == 1)
        #expect(largest(.milliseconds(9)) == 0)
        #expect(largest(.zero) == 0)
        #expect(largest(TimeSpan(nanoseconds: -5)) == 0)
        #expect(largest(TimeSpan(nanoseconds: .max), limit: 3) == 3)
    }

    @Test("Largest batch and latency agree, whatever the correction", arguments: 1...8)
    func agreement(seed: UInt64) {
        var dice = SeededGenerator(seed: seed)
        var forecast = Forecast(models: 1)
        let row = forecast.claimRow(model: spec.id, kind: "test", units: 4, spec: spec)
        for _ in 0..<200 {
            let span = TimeSpan.microseconds(Int64(dice.number(in: 1...60_000)))
            forecast.learn(row: row, items: 4, span: span, at: .zero)
            let host = TimeSpan.microseconds(Int64(dice.number(in: 0...3_000)))
            forecast.learnHost(row: row, items: Int32(dice.number(in: 1...8)), span: host)
            let room = TimeSpan.microseconds(Int64(dice.number(in: 0...60_000)))
            let best = forecast.largestBatch(row: row, within: room, limit: 8, at: .zero)
            for items in 1...Int32(8) {
                let latency = forecast.latency(row: row, items: items, at: .zero)
                let fits = latency.map { $0 <= room } ?? false
                #expect(fits == (items <= best), "seed \(seed), \(items) items in \(room)")
            }
        }
    }

    @Test("Measurements move the correction by an eighth, nonsense does not")
    func learns() {
        var forecast = Forecast(models: 1)
        let row = forecast.claimRow(model: spec.id, kind: "test", units: 4, spec: spec)
        for _ in 0..<60 { forecast.learn(row: row, items: 1, span: .milliseconds(15), at: .zero) }
        let slow = forecast.latency(row: row, items: 1, at: .zero) ?? .zero
        #expect((14_900...15_000).contains(slow.nanoseconds / 1_000))
        for span in [TimeSpan.zero, .milliseconds(-3), .milliseconds(1_001), .seconds(.max)] {
            forecast.learn(row: row, items: 1, span: span, at: .zero)
        }
        forecast.learn(row: row, items: 99, span: .milliseconds(1), at: .zero)
        #expect(forecast.latency(row: row, items: 1, at: .zero) == slow)
        #expect(forecast.ignoredSamples == 4)
    }

    @Test("One outlier can at most add an eighth, and what is not confirmed does not count")
    func outliers() {
        var forecast = Forecast(models: 1)
        let row = forecast.claimRow(model: spec.id, kind: "test", units: 4, spec: spec)
        forecast.learn(row: row, items: 1, span: .milliseconds(999), at: at(0))
        #expect(forecast.latency(row: row, items: 1, at: at(1_000)) == .microseconds(11_250))
        #expect(forecast.latency(row: row, items: 1, at: at(1_001)) == .milliseconds(10))
        forecast.learn(row: row, items: 1, span: .microseconds(1), at: at(1_001))
        let fast = forecast.latency(row: row, items: 1, at: at(9_000)) ?? .zero
        #expect(fast < .milliseconds(10), "a correction downwards stays")
    }

    @Test("Rows are shared by lanes of equal units and used again when none is left")
    func rows() {
        var forecast = Forecast(models: 2)
        let first = forecast.claimRow(model: spec.id, kind: "test", units: 4, spec: spec)
        #expect(forecast.claimRow(model: spec.id, kind: "test", units: 4, spec: spec) == first)
        let other = forecast.claimRow(model: spec.id, kind: "test", units: 2, spec: spec)
        #expect(other != first)
        #expect(forecast.latency(row: other, items: 1, at: .zero) == nil)
        forecast.releaseRow(other)
        let bare = ModelSpec.sample(1)
        #expect(forecast.claimRow(model: bare.id, kind: "test", units: 4, spec: bare) == other)
        forecast.refresh(ModelSpec.sample(1, latency: [1: 7]))
        #expect(forecast.latency(row: other, items: 1, at: .zero) == .milliseconds(7))
    }
}
