import Planning
import ServingDomain
import Testing

@Suite("Highest multiples and fewest devices")
struct DemandSearchTests {
    /// Serves up to `capacity` requests per second on each device.
    private struct Counting: Planner {
        var capacity: Int64
        var name: String { "counting" }

        func plan(_ inputs: PlanInputs) throws(PlanError) -> Plan {
            let room = Int64(inputs.devices.count) * capacity * 1_000
            let left = inputs.milliRates.reduce(0, +) - room
            let unserved = left > 0 ? [Plan.Unserved(model: ModelID(0), milliRate: left)] : []
            return Plan(planner: name, devices: [], unserved: unserved)
        }
    }

    private func inputs(rates: [Int64], devices: Int) -> PlanInputs {
        PlanInputs(
            devices: (0..<devices).map {
                DeviceSpec(id: DeviceID(Int32($0)), name: "gpu\($0)", kind: "k", units: 100)
            },
            models: rates.indices.map { ModelSpec(id: ModelID(Int32($0)), name: "m\($0)") },
            milliRates: rates,
            present: nil
        )
    }

    @Test("The highest multiple is found to a thousandth, above and below one")
    func multiples() throws {
        for (rates, expected) in [
            ([50_000, 50_000], 2_500.0), ([3_000, 0], 83_333), ([900_000, 100_000], 250),
            ([250_000_000, 0], 1),
        ] as [([Int64], Double)] {
            let inputs = inputs(rates: rates, devices: 1)
            let found = try DemandSearch.highestMultiple(of: inputs, by: Counting(capacity: 250))
            let milli = Double(try #require(found).milli)
            #expect(milli <= expected && milli >= expected * 0.998 - 1, "\(rates)")
            #expect(found?.plan.schedulable == true)
        }
    }

    @Test("Nothing asked for, and nothing that could ever be served, have no multiple")
    func none() throws {
        let idle = inputs(rates: [0, 0], devices: 1)
        #expect(try DemandSearch.highestMultiple(of: idle, by: Counting(capacity: 9)) == nil)
        let busy = inputs(rates: [1_000_000], devices: 1)
        #expect(try DemandSearch.highestMultiple(of: busy, by: Counting(capacity: 0)) == nil)
        #expect(try DemandSearch.fewestDevices(for: busy, by: Counting(capacity: 0)) == nil)
        let nowhere = inputs(rates: [1], devices: 0)
        #expect(try DemandSearch.fewestDevices(for: nowhere, by: Counting(capacity: 9)) == nil)
        // Far beyond the limit: given up after the first look, not after thousands of devices.
        let endless = inputs(rates: [Int64(1) << 50], devices: 1)
        #expect(try DemandSearch.fewestDevices(for: endless, by: Counting(capacity: 9)) == nil)
        // A planner without a limit ends at the largest multiple that is looked for.
        let boundless = try DemandSearch.highestMultiple(
            of: inputs(rates: [1], devices: 1),
            by: Counting(capacity: 1_000_000_000_000)
        )
        #expect(boundless.map { $0.milli > DemandSearch.multipleLimit / 3 } == true)
    }

    @Test("The fewest devices are found, more than there are too")
    func devices() throws {
        for (rate, count) in [(1, 1), (100, 1), (101, 2), (799, 8), (801, 9), (4_321, 44)] {
            let inputs = inputs(rates: [Int64(rate) * 1_000], devices: 3)
            let found = try DemandSearch.fewestDevices(for: inputs, by: Counting(capacity: 100))
            #expect(found?.devices.count == count, "\(rate)")
            #expect(found?.devices.map(\.id.position) == Array(0..<count))
            if count > 3 { #expect(found?.devices[3].name == "gpu2+1") }
        }
    }
}
