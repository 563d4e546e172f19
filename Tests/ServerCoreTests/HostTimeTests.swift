import ServerCore
import ServingDomain
import ServingTestKit
import Testing

/// What the host takes around batches is learned, and counts wherever latencies do.
@Suite struct HostTimeTests {
    private let spec = ModelSpec.sample(0, latency: [1: 10, 8: 24])

    /// A forecast of one model on one device.
    private static func forecast() -> Forecast {
        Forecast(
            models: 1,
            devices: [DeviceSpec(id: DeviceID(0), name: "d", kind: "test", units: 4)]
        )
    }

    private func micros(_ span: TimeSpan) -> Double { Double(span.nanoseconds) / 1_000 }

    @Test("Sizes that differ give a line: fixed and per item", arguments: 1...8)
    func line(seed: UInt64) {
        var dice = SeededGenerator(seed: seed)
        let fixed = Int64(dice.number(in: 0...2_000)), perItem = Int64(dice.number(in: 0...500))
        var learner = HostTimeLearner()
        for _ in 0..<400 {
            let items = Int32(dice.number(in: 1...32))
            let noise = Int64(dice.number(in: 90...110))
            let span = (fixed + perItem * Int64(items)) * noise / 100
            learner.learn(items: items, span: .microseconds(span))
        }
        for items in [Int32(1), 16, 32] {
            let truth = Double(fixed + perItem * Int64(items))
            let error = micros(learner.line.span(items: items)) - truth
            let whole = Double(fixed + perItem * 16)
            #expect(abs(error) <= 0.2 * whole + 5, "seed \(seed), \(items) items")
        }
    }

    @Test("One size says nothing of a slope")
    func oneSize() {
        var learner = HostTimeLearner()
        for _ in 0..<100 { learner.learn(items: 8, span: .milliseconds(2)) }
        #expect(learner.line.fixed == .milliseconds(2) && learner.line.perItem == .zero)
        #expect(learner.samples == 100)
    }

    @Test("Neither part falls below zero, nonsense does not count, a stall counts little")
    func robust() {
        var learner = HostTimeLearner()
        learner.learn(items: 0, span: .milliseconds(1))
        learner.learn(items: 1, span: .milliseconds(-1))
        #expect(learner.samples == 0 && learner.line == .none)
        // The larger the batch, the shorter the time; and through the origin the other way round.
        for round in 0..<200 {
            learner.learn(
                items: round % 2 == 0 ? 1 : 16,
                span: .microseconds(round % 2 == 0 ? 900 : 100)
            )
        }
        #expect(learner.line.perItem == .zero && learner.line.fixed > .zero)
        let before = learner.line.span(items: 4)
        learner.learn(items: 4, span: .seconds(600))
        #expect(learner.line.span(items: 4) - before < .milliseconds(1))
        var steep = HostTimeLearner()
        for round in 0..<200 {
            steep.learn(
                items: round % 2 == 0 ? 1 : 16,
                span: .microseconds(round % 2 == 0 ? 1 : 9_000)
            )
        }
        #expect(steep.line.fixed >= .zero && steep.line.perItem > .zero)
    }

    @Test("Forecasts add it, and choose smaller batches for it")
    func forecast() {
        var forecast = Forecast(models: 1)
        let row = forecast.claimRow(model: spec.id, kind: "test", units: 4, spec: spec)
        func largest(at now: Instant) -> Int32 {
            forecast.largestBatch(row: row, within: .milliseconds(24), limit: 8, at: now)
        }
        forecast.learn(row: row, items: 8, span: .milliseconds(24), at: .zero)
        #expect(largest(at: .zero) == 8)
        for _ in 0..<40 {
            forecast.learn(row: row, items: 8, span: .milliseconds(24), at: .zero)
            forecast.learnHost(row: row, items: 8, span: .milliseconds(4))
        }
        #expect(forecast.latency(row: row, items: 8, at: .zero) == .milliseconds(28))
        #expect(largest(at: .zero) == 6)
        // A lane on other units begins with what is known of the host.
        let other = forecast.claimRow(model: spec.id, kind: "test", units: 8, spec: spec)
        #expect(other != row)
        forecast.learn(row: other, items: 1, span: .milliseconds(10), at: .zero)
        #expect(forecast.latency(row: other, items: 1, at: .zero) == .milliseconds(14))
        // What nothing confirmed for a second turns nobody away.
        #expect(largest(at: .zero + .milliseconds(1_001)) == 8)
    }

    @Test("A bad second of the host moves forecasts, but not what planners are told")
    func badSecond() {
        var forecast = Self.forecast()
        let row = forecast.claimRow(model: spec.id, kind: "test", units: 4, spec: spec)
        forecast.learn(row: row, items: 1, span: .milliseconds(10), at: .zero)
        func told() -> HostTime {
            var inputs = PlanInputs(devices: [], models: [spec], milliRates: [0], present: nil)
            forecast.tell(&inputs, at: .zero)
            return inputs.hostTime(of: spec.id, on: "test")
        }
        for _ in 0..<2_000 {
            forecast.learnHost(row: row, items: 1, span: .microseconds(300))
        }
        #expect(told().span(items: 1) == .microseconds(300))
        for _ in 0..<100 { forecast.learnHost(row: row, items: 1, span: .milliseconds(2)) }
        let now = forecast.latency(row: row, items: 1, at: .zero)
        #expect((now ?? .zero) > .microseconds(11_500))
        #expect(told().span(items: 1) < .microseconds(600))
        // What stays so is told in the end.
        for _ in 0..<6_000 { forecast.learnHost(row: row, items: 1, span: .milliseconds(2)) }
        #expect(told().span(items: 1) == .milliseconds(2))
    }

    @Test("Planners are told in round figures, once enough was seen")
    func planners() {
        var forecast = Self.forecast()
        let row = forecast.claimRow(model: spec.id, kind: "test", units: 4, spec: spec)
        var inputs = PlanInputs(devices: [], models: [spec], milliRates: [0], present: nil)
        for round in 0..<31 {
            let items: Int32 = round % 2 == 0 ? 1 : 8
            forecast.learn(row: row, items: items, span: .milliseconds(10), at: .zero)
            forecast.learnHost(
                row: row,
                items: items,
                span: .microseconds(1_000 + 251 * Int64(items))
            )
        }
        forecast.tell(&inputs, at: .zero)
        #expect(inputs.hostTime(of: spec.id, on: "test") == .none)
        for _ in 0..<200 {
            for items in [Int32(1), 8] {
                forecast.learnHost(
                    row: row,
                    items: items,
                    span: .microseconds(1_000 + 251 * Int64(items))
                )
            }
        }
        forecast.tell(&inputs, at: .zero)
        let host = inputs.hostTime(of: spec.id, on: "test")
        #expect(host.fixed.nanoseconds % 100_000 == 0 && host.perItem.nanoseconds % 10_000 == 0)
        #expect(abs(micros(host.span(items: 8)) - 3_008) < 200)
    }
}
