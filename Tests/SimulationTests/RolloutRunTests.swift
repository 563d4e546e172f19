import Planning
import ServerCore
import ServingDomain
import ServingTestKit
import Simulation
import Synchronization
import Testing
import VirtualDevices
import Workloads

/// From one layout to the next under load: no request is refused or fails because of it.
@Suite struct RolloutRunTests {
    /// One gpulet of a layout: units and models.
    typealias Part = (units: Int32, models: [Int32])

    /// Gives one layout after the other; changes come from epochs that always see a drift.
    final class Sequence: Planner {
        let name = "sequence"
        private let layouts: [[Part]]
        private let next = Mutex(0)

        init(_ layouts: [[Part]]) { self.layouts = layouts }

        func plan(_ inputs: PlanInputs) throws(PlanError) -> Plan {
            let layout = next.withLock { number in
                defer { number += 1 }
                return layouts[min(number, layouts.count - 1)]
            }
            // The last plan's rates are those that are asked for: then nothing drifts any more.
            let gpulets = layout.map { part in
                Plan.GpuletLayout(
                    units: part.units,
                    slots: 1,
                    dutyCycle: .milliseconds(5),
                    lanes: part.models.map { model in
                        Plan.LanePlacement(
                            model: ModelID(model),
                            batchLimit: 8,
                            instances: 1,
                            milliRate: 1_000
                        )
                    }
                )
            }
            return Plan(
                planner: name,
                devices: [Plan.DeviceLayout(device: DeviceID(0), gpulets: gpulets)]
            )
        }
    }

    static func setup(_ layouts: [[Part]], models: Int32, memoryMiB: Int64 = 0) -> SimulationSetup {
        var setup = Setups.simple(models: models, rate: 80, seconds: 14, policy: "duty")
        setup.plans = .custom(Sequence(layouts))
        setup.devices[0].memoryMiB = memoryMiB
        for place in setup.models.indices {
            setup.models[place].spec.slo = .milliseconds(200)
            setup.models[place].spec.profiles[0].memory.weightsKiB = 40 * 1_024
            setup.models[place].truth.profiles[0].memory.weightsKiB = 40 * 1_024
        }
        setup.epochs = .standard
        setup.epochs?.period = .seconds(4)
        return setup
    }

    static let changes: [(name: String, layouts: [[Part]], models: Int32)] = [
        ("two change places", [[(40, [0]), (60, [1])], [(60, [0]), (40, [1])]], 2),
        ("sizes shift", [[(40, [0]), (60, [1])], [(70, [0]), (30, [1])]], 2),
        ("two become one", [[(50, [0]), (50, [1])], [(100, [0, 1])]], 2),
        ("one becomes two", [[(100, [0, 1])], [(50, [0]), (50, [1])]], 2),
        ("one becomes three", [[(100, [0, 1, 2])], [(20, [0]), (30, [1]), (50, [2])]], 3),
        ("three become two", [[(20, [0]), (30, [1]), (50, [2])], [(60, [0, 2]), (40, [1])]], 3),
        ("everything moves", [[(20, [0]), (30, [1]), (50, [2])], [(30, [2]), (70, [0, 1])]], 3),
    ]

    @Test("Nobody is refused while the layout changes", arguments: changes.indices)
    func nothingLost(place: Int) throws {
        let change = Self.changes[place]
        let ledger = try Simulator.run(Self.setup(change.layouts, models: change.models))
        #expect(ledger.complaints == [], "\(change.name)")
        #expect(ledger.total.ended == ledger.total.submitted, "\(change.name)")
        #expect(ledger.total.refused == 0, "\(change.name): \(ledger.total)")
        #expect(ledger.total.failed == 0, "\(change.name)")
        #expect(ledger.total.dropped == 0, "\(change.name): \(ledger.total)")
        #expect(ledger.answers.compactMap(\.plan).count >= 2, "\(change.name)")
        // The new layout stands at the end, with nothing of the old one left.
        let last = try #require(ledger.layouts.last)
        #expect(last.gpulets == Int32(change.layouts[1].count), "\(change.name)")
        #expect(last.units == 100, "\(change.name)")
    }

    @Test("Where memory can't hold both layouts, the new lane waits for the old one to go")
    func memory() throws {
        // 100 MiB hold two models of 40; the second plan has models 1 and 2.
        let layouts: [[Part]] = [[(50, [0]), (50, [1])], [(50, [2]), (50, [1])]]
        let ledger = try Simulator.run(Self.setup(layouts, models: 3, memoryMiB: 100))
        #expect(ledger.complaints == [])
        #expect(ledger.usage[0].peakKiB == 80 * 1_024)
        #expect(ledger.counts(of: ModelID(2)).served > 500)
        #expect(ledger.counts(of: ModelID(1)).refused == 0)
    }
}
