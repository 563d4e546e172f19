import Planning
import ServingDomain
import ServingTestKit
import Testing

/// What the host takes around batches counts with every plan.
@Suite struct HostTimeTests {
    private func world() -> PlanningWorld {
        var world = PlanningWorld(devices: 1)
        let points = zip([1, 32] as [Int32], [10, 41] as [Int64]).map {
            LatencySurface.Point(batch: $0, units: 20, latency: .milliseconds($1))
        }
        world.add("m", rate: 100, sloMs: 100, surface: LatencySurface(points))
        return world
    }

    private func inputs(_ host: HostTime) -> PlanInputs {
        var inputs = world().inputs
        let kind = inputs.devices[0].kind
        inputs.corrections = [
            .init(model: inputs.models[0].id, kind: kind, milli: 1_000, host: host)
        ]
        return inputs
    }

    @Test("Latencies are those of the device and the host's time")
    func latencies() throws {
        let host = HostTime(fixed: .milliseconds(2), perItem: .microseconds(500))
        let kind = world().inputs.devices[0].kind
        let with = try #require(ModelLatencies(of: 0, on: kind, in: inputs(host)))
        let without = try #require(ModelLatencies(of: 0, on: kind, in: inputs(.none)))
        for batch in [Int32(1), 8, 32] {
            let bare = try #require(without.latency(batch: batch, units: 20))
            let whole = try #require(with.latency(batch: batch, units: 20))
            #expect(whole - bare == .milliseconds(2) + .microseconds(500 * Int64(batch)))
        }
    }

    @Test(
        "A rate that a device could serve by itself is refused where the host takes too long",
        arguments: ["elastic", "confluence"]
    )
    func refused(planner: String) throws {
        let planner = try PlannerCatalogue.planner(named: planner)
        var (bare, slow) = (
            inputs(.none), inputs(HostTime(fixed: .zero, perItem: .milliseconds(1)))
        )
        // A batch of 32 takes 41 ms on a fifth of the device, 73 ms with the host.
        var rate: Int64 = 10_000
        while rate < 100_000_000 {
            bare.milliRates = [rate]
            slow.milliRates = [rate]
            guard try planner.plan(bare).unserved.isEmpty else { break }
            rate += rate / 4
        }
        let highest = rate * 4 / 5
        slow.milliRates = [highest]
        #expect(try !planner.plan(slow).unserved.isEmpty)
        slow.milliRates = [highest / 4]
        #expect(try planner.plan(slow).unserved.isEmpty)
    }

    @Test("Explanations name the host's part")
    func explained() throws {
        let inputs = inputs(HostTime(fixed: .milliseconds(2), perItem: .zero))
        let plan = try PlannerCatalogue.planner(named: "confluence").plan(inputs)
        let lines = try Explanation.lines(of: plan, for: inputs)
        #expect(lines.contains { $0.contains(" of the host's") })
    }

    @Test("No host takes less than nothing, or more than an hour")
    func limits() {
        let low = HostTime(fixed: .milliseconds(-1), perItem: TimeSpan(nanoseconds: .min))
        #expect(low == .none)
        let high = HostTime(fixed: TimeSpan(nanoseconds: .max), perItem: .seconds(4_000))
        #expect(high.fixed == .seconds(3_600) && high.span(items: 1_000) > .zero)
    }
}
