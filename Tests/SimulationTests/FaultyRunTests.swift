import ServerCore
import ServingDomain
import ServingTestKit
import Simulation
import Testing
import VirtualDevices
import Workloads

/// What goes wrong in a run is noticed, survived, and never loses a request.
@Suite struct FaultyRunTests {
    static func at(_ seconds: Int64) -> Instant { .zero + .seconds(seconds) }

    @Test("A lost device's work goes to the other, and comes back with it")
    func deviceLost() throws {
        for policy in ["duty", "edf", "fifo"] {
            var setup = Setups.simple(models: 2, devices: 2, rate: 200, policy: policy)
            setup.faults = [
                Fault(.deviceLost(DeviceID(1)), at: Self.at(3), duration: .seconds(4))
            ]
            let ledger = try Simulator.run(setup)
            #expect(ledger.complaints == [], "\(policy)")
            #expect(ledger.total.ended == ledger.total.submitted, "\(policy)")
            #expect(ledger.total.violationPercent < 1, "\(policy)")
            #expect(ledger.layouts.contains { $0.devices == 1 && $0.at >= Self.at(3) })
            #expect(ledger.layouts.last?.devices == 2, "\(policy)")
        }
    }

    @Test("The only device lost: requests wait or are refused until it is back")
    func allLost() throws {
        var setup = Setups.simple(rate: 100, seconds: 10)
        setup.faults = [Fault(.deviceLost(DeviceID(0)), at: Self.at(3), duration: .seconds(2))]
        let ledger = try Simulator.run(setup)
        #expect(ledger.complaints == [])
        #expect(ledger.total.ended == ledger.total.submitted)
        #expect(ledger.total.refused > 150)
        let row = ledger.windows[1]
        #expect(row[9].served == row[9].submitted)
    }

    @Test("A slow device takes longer exactly while it is slow")
    func slowDevice() throws {
        var setup = Setups.simple(seconds: 9, policy: "fifo")
        setup.loads = [RequestLoad(ModelID(0), .uniform(rate: 10))]
        setup.faults = [
            Fault(.slowDevice(DeviceID(0), milli: 2_000), at: Self.at(3), duration: .seconds(3))
        ]
        let ledger = try Simulator.run(setup)
        #expect(ledger.row(ModelID(0), .low).latency.most == .milliseconds(10))
        // Arrivals of [3, 6): 30 of 89 take 10 ms, the others 5.
        #expect(abs(ledger.row(ModelID(0), .low).latency.mean.inMilliseconds - 595 / 89) < 0.1)
    }

    @Test("A hanging engine is noticed by the watchdog; what waited is served afterwards")
    func hanging() throws {
        var setup = Setups.simple(rate: 20, seconds: 10, policy: "fifo")
        setup.models = [Setups.model(0, sloMs: nil)]
        setup.limits.watchdogSeconds = 2
        setup.faults = [
            Fault(.hangingEngine(ModelID(0)), at: Self.at(3), duration: .milliseconds(500))
        ]
        let ledger = try Simulator.run(setup)
        #expect(ledger.complaints == [])
        #expect(ledger.total.ended == ledger.total.submitted)
        #expect(ledger.total.failed >= 1)
        #expect(ledger.total.served > 150)
        #expect(ledger.row(ModelID(0), .low).latency.most > .seconds(1))
    }

    @Test("An engine that does not even heed the watchdog loses its seat; serving goes on")
    func deaf() throws {
        for isForEver in [false, true] {
            var setup = Setups.simple(rate: 20, seconds: 20, policy: "fifo")
            setup.models = [Setups.model(0, sloMs: nil)]
            setup.devices[0].memoryMiB = 100
            setup.models[0].truth.profiles[0].memory.weightsKiB = 60 * 1_024
            setup.limits.watchdogSeconds = 2
            setup.limits.graceSeconds = 1
            // One batch hangs, whatever begins later does not.
            setup.faults = [
                Fault(
                    .deafEngine(ModelID(0)),
                    at: Self.at(3),
                    duration: isForEver ? nil : .seconds(8)
                )
            ]
            let ledger = try Simulator.run(setup)
            #expect(ledger.complaints == [])
            #expect(ledger.total.ended == ledger.total.submitted)
            #expect(ledger.total.failed >= 1)
            // Three instances in eight seconds; then all is well again, or four and none is left.
            let last = ledger.windows[0].last
            #expect(isForEver ? last?.served == 0 : last.map { $0.served == $0.submitted } == true)
        }
    }

    @Test("A load that fails leaves the model without lanes, and refuses in words")
    func failedLoad() throws {
        var setup = Setups.simple(models: 2, devices: 1, rate: 50)
        setup.plans = .fixed(Setups.plan([(50, 0, 4, nil), (50, 1, 4, nil)]))
        setup.faults = [
            Fault(.deviceLost(DeviceID(0)), at: Self.at(2), duration: .seconds(1)),
            Fault(.failedLoad(ModelID(1)), at: Self.at(2), duration: .seconds(4)),
        ]
        let ledger = try Simulator.run(setup)
        #expect(ledger.complaints == [])
        #expect(ledger.total.ended == ledger.total.submitted)
        #expect(ledger.counts(of: ModelID(1)).refused > ledger.counts(of: ModelID(0)).refused)
    }

    @Test("What does not fit into memory does not start")
    func memory() throws {
        var setup = Setups.simple(models: 2, devices: 1, rate: 50)
        setup.devices[0].memoryMiB = 100
        for place in setup.models.indices {
            setup.models[place].truth.profiles[0].memory.weightsKiB = 60 * 1_024
        }
        let ledger = try Simulator.run(setup)
        #expect(ledger.complaints == [])
        #expect(ledger.counts(of: ModelID(0)).served > 300)
        #expect(ledger.counts(of: ModelID(1)).refused > 300)
        #expect(ledger.usage[0].peakKiB == 60 * 1_024)
    }

    @Test("A core that breaks its rules is caught", arguments: Sabotage.allCases)
    func canary(sabotage: Sabotage) throws {
        let setup = Setups.simple(rate: 400, seconds: 2)
        var simulator = try Simulator(setup, policy: BrokenPolicy(sabotage: sabotage))
        let ledger = simulator.run()
        #expect(ledger.complaints.contains { $0.contains(sabotage.rawValue) })
        var sound = try Simulator(setup, policy: BrokenPolicy(sabotage: nil))
        let complaints = sound.run().complaints
        #expect(complaints == [])
    }
}

/// What a broken policy does, and what the auditor must say.
enum Sabotage: String, CaseIterable {
    case tooLarge = "exceeds its limit"
    case tooLate = "launches after latest"
}

/// `fifo`, but wrong.
struct BrokenPolicy: DispatchPolicy {
    let sabotage: Sabotage?
    var sound = FifoPolicy()
    var order: QueueOrder { sound.order }

    func refuses(
        _ arrival: Arrival,
        at now: Instant,
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast
    ) -> Refusal? { nil }

    func lastStart(
        of request: RequestRecord,
        at now: Instant,
        using forecast: borrowing Forecast
    ) -> Instant { .distantFuture }

    mutating func next(
        at now: Instant,
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast
    ) -> Choice {
        let choice = sound.next(at: now, in: state, using: forecast)
        guard case .start(var launch) = choice, let sabotage else { return choice }
        switch sabotage {
        case .tooLarge: launch.count = state.prefix(of: launch.queue, limit: .max).count
        case .tooLate: launch.latest = now - .milliseconds(1)
        }
        return .start(launch)
    }
}
