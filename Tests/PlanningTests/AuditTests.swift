import Planning
import ServingDomain
import Testing

/// The audit finds each rule's violation, names it, and accepts what is valid.
@Suite struct AuditTests {
    /// Two models on one device: resnet50 alone on 60 units, vgg16 and lenet share 40.
    private let world: PlanningWorld
    private let plan: Plan

    init() {
        var world = PlanningWorld(devices: 1, memoryMiB: 4_000)
        for (name, rate, slo) in [("resnet50", 100.0, 108.0), ("vgg16", 20, 142), ("b", 20, 142)] {
            world.add(name, rate: rate, sloMs: slo, busy: 0.5, memoryMiB: 1_000)
        }
        world.contention = .linear(
            LinearContention(l2Self: 0, l2Other: 0.5, dramSelf: 0, dramOther: 0, constant: 1)
        )
        self.world = world
        // resnet50: L(8, 60) = 19.575 ms, beside 40 % of 0.5 busy 1.1 times as long.
        // vgg16: L(2, 40) = 14.421875 ms, beside 60 % of 0.5 busy 1.15 times as long.
        plan = Plan(
            planner: "elastic",
            devices: [
                Plan.DeviceLayout(
                    device: DeviceID(0),
                    gpulets: [
                        Plan.GpuletLayout(
                            units: 60,
                            slots: 1,
                            dutyCycle: .microseconds(70_000),
                            lanes: [Self.lane(0, 8, 100, ms: 21.5325)]
                        ),
                        Plan.GpuletLayout(
                            units: 40,
                            slots: 1,
                            dutyCycle: .milliseconds(95),
                            lanes: [
                                Self.lane(1, 2, 20, ms: 16.584_995),
                                Self.lane(2, 2, 20, ms: 16.584_995),
                            ]
                        ),
                    ]
                )
            ]
        )
    }

    private static func lane(
        _ model: Int32,
        _ batch: Int32,
        _ rate: Int64,
        ms: Double
    ) -> Plan.LanePlacement {
        Plan.LanePlacement(
            model: ModelID(model),
            batchLimit: batch,
            instances: 1,
            milliRate: rate * 1_000,
            expected: .milliseconds(rounding: ms)
        )
    }

    private func violations(
        _ world: PlanningWorld? = nil,
        _ change: (inout Plan) -> Void = { _ in }
    ) -> [Audit.Violation] {
        var changed = plan
        change(&changed)
        return Audit.violations(of: changed, for: (world ?? self.world).inputs)
    }

    @Test("A valid plan has no violation")
    func valid() {
        #expect(violations() == [])
    }

    @Test("Rule 1: what the profile does not reach is not plannable")
    func profile() {
        var world = world
        world.models[0].maxBatch = 4
        #expect(violations(world).contains { $0.rule == 1 && $0.line.contains("resnet50") })
        world.models[0].profiles = []
        let lines = violations(world).filter { $0.rule == 1 }.map(\.line)
        #expect(
            lines == [
                "gpu0, gpulet 0 (60 units), resnet50: rule 1: it has no profile on 'rtx-2080ti'"
            ]
        )
        let unknown = violations { $0.devices[0].gpulets[0].lanes[0].model = ModelID(9) }
        #expect(unknown.contains { $0.rule == 1 && $0.line.contains("no such model") })
    }

    @Test("Rule 2: sizes, their sum, their number, order of devices, twice the same lane")
    func sizes() {
        func rules(_ change: (inout Plan) -> Void) -> [String] {
            violations(nil, change).filter { $0.rule == 2 }.map(\.line)
        }
        #expect(
            rules { $0.devices[0].gpulets[1].units = 45 } == [
                "gpu0, gpulet 1: rule 2: 45 units is not a size that the device can give",
                "gpu0: rule 2: its gpulets have 105 units of 100",
            ]
        )
        let third = Plan.GpuletLayout(units: 20, slots: 1, dutyCycle: nil, lanes: [])
        #expect(
            rules {
                $0.devices[0].gpulets[0].units = 20
                $0.devices[0].gpulets.append(third)
            } == ["gpu0: rule 2: it has 3 gpulets, 2 are the most"]
        )
        #expect(rules { $0.devices.append($0.devices[0]) }.contains { $0.contains("twice") })
        #expect(rules { $0.devices[0].device = DeviceID(7) }.contains { $0.contains("no such") })
        #expect(
            rules { $0.devices[0].gpulets[1].lanes[1].model = ModelID(1) }
                .contains { $0.contains("twice on one gpulet") }
        )
        #expect(
            rules { $0.devices[0].gpulets[0].lanes[0].instances = 2 }
                .contains { $0.contains("2 instances, 1 are the most") }
        )
        var world = world
        world.models[0].maxShare = 50
        #expect(violations(world).map(\.rule) == [2])
    }

    @Test("Rule 3: weights count once per model and device")
    func memory() {
        var world = world
        world.devices[0].memoryMiB = 2_999
        #expect(
            violations(world).map(\.line)
                == ["gpu0: rule 3: its models take 3000 MiB of 2999 MiB"]
        )
        world.devices[0].memoryMiB = 3_000
        #expect(violations(world) == [])
    }

    @Test("Rule 4: rate, objective of a lone lane, and of lanes that take turns")
    func objective() {
        func rules(_ change: (inout PlanningWorld) -> Void) -> [String] {
            var world = world
            change(&world)
            return violations(world).filter { $0.rule == 4 }.map(\.line)
        }
        let alone = rules { $0.models[0].slo = .milliseconds(43) }
        #expect(
            alone == [
                "gpu0, gpulet 0 (60 units), resnet50: rule 4: neither 2 x 21.532 ms nor filling"
                    + " 70 ms + 21.532 ms is within the objective of 43 ms"
            ]
        )
        #expect(rules { $0.models[1].slo = .milliseconds(128) }.count == 1)
        #expect(rules { $0.models[1].slo = .microseconds(128_170) } == [])
        let fast = violations { $0.devices[0].gpulets[0].lanes[0].milliRate = 372_000 }
        #expect(
            fast.filter { $0.rule == 4 }.map(\.line) == [
                "gpu0, gpulet 0 (60 units), resnet50: rule 4: 372 r/s is more than 1 x 8 per"
                    + " 21.532 ms"
            ]
        )
        let many = violations { $0.devices[0].gpulets[1].lanes[0].milliRate = 32_000 }
        #expect(many.contains { $0.rule == 4 && $0.line.contains("brings 3 requests") })
        let short = violations { $0.devices[0].gpulets[1].dutyCycle = .milliseconds(33) }
        #expect(short.contains { $0.rule == 4 && $0.line.contains("longer than its 33 ms") })
        let none = violations { $0.devices[0].gpulets[1].dutyCycle = nil }
        #expect(none.contains { $0.rule == 4 && $0.line.contains("without a duty cycle") })
    }

    @Test("Rule 5 takes the place of rule 4's objective for confluence, unless capacity=paper")
    func queueAware() {
        func rules(_ name: String, _ violation: Double?) -> [Int] {
            violations {
                $0.planner = name
                for gpulet in $0.devices[0].gpulets.indices {
                    for lane in $0.devices[0].gpulets[gpulet].lanes.indices {
                        $0.devices[0].gpulets[gpulet].lanes[lane].violation = violation
                    }
                }
            }.map(\.rule)
        }
        #expect(rules("confluence", 0.01) == [])
        #expect(rules("confluence", 0.011) == [5, 5, 5])
        #expect(rules("confluence", nil) == [5, 5, 5])
        #expect(rules("confluence:capacity=paper", nil) == [])
        var world = world
        world.models[0].slo = .milliseconds(21)
        let over = violations(world) { $0.planner = "confluence" }
        #expect(over.contains { $0.rule == 5 && $0.line.contains("over the objective of 21 ms") })
    }

    @Test("Rule 6: what is placed and what is left is the demand, and nothing is left twice")
    func demand() {
        var world = world
        world.rates[0] = 101
        #expect(
            violations(world).map(\.line) == [
                "resnet50: rule 6: 100 r/s placed and 0 r/s unserved are not the demand of 101 r/s"
            ]
        )
        #expect(
            violations(world) { $0.unserved = [Plan.Unserved(model: ModelID(0), milliRate: 1_000)] }
                == []
        )
        let twice = violations {
            $0.unserved = [
                Plan.Unserved(model: ModelID(0), milliRate: 1),
                Plan.Unserved(model: ModelID(0), milliRate: 1),
                Plan.Unserved(model: ModelID(8), milliRate: 1),
            ]
        }
        #expect(twice.map(\.rule) == [6, 6])
    }

    @Test("Rule 7: margins count only where the planner's name says so")
    func margins() {
        var world = world
        // The published pairs: 100 -> 125 with inflation, and 15 r/s of slack on 110.
        world.rates = [100, 20, 20]
        func rules(_ name: String, resnet: Int64, others: Int64) -> [Int] {
            violations(world) {
                $0.planner = name
                $0.devices[0].gpulets[0].lanes[0].milliRate = resnet
                $0.devices[0].gpulets[1].lanes[0].milliRate = others
                $0.devices[0].gpulets[1].lanes[1].milliRate = others
            }.filter { $0.rule == 6 }.map(\.rule)
        }
        #expect(rules("elastic:margins=released", resnet: 125_000, others: 32_000) == [])
        #expect(rules("elastic:margins=released", resnet: 110_000, others: 17_000) == [])
        #expect(rules("elastic:margins=released", resnet: 109_000, others: 17_000) == [6])
        #expect(rules("elastic:slack=15", resnet: 85_000, others: 20_000) == [])
        #expect(rules("elastic:inflation=on", resnet: 100_000, others: 32_000) == [6])
    }

    @Test("Rule 8: expected latency has the slowdown in it, gathering leaves time to run")
    func expected() {
        let wrong = violations { $0.devices[0].gpulets[0].lanes[0].expected = .milliseconds(20) }
        #expect(
            wrong.map(\.line) == [
                "gpu0, gpulet 0 (60 units), resnet50: rule 8: expected 20 ms, but profile and"
                    + " co-runners say 21.532 ms"
            ]
        )
        #expect(violations { $0.devices[0].gpulets[0].lanes[0].expected = nil }.map(\.rule) == [8])
        let long = violations { $0.devices[0].gpulets[0].dutyCycle = .milliseconds(90) }
        #expect(long.map(\.rule) == [8])
        #expect(long[0].line.contains("it gathers for 90 ms"))
    }

    @Test("Planners that do not look at neighbours are not blamed for slowdowns, whole for nothing")
    func promises() {
        var world = world
        world.models[0].slo = .microseconds(39_400)
        func rules(_ name: String) -> [Int] {
            violations(world) {
                $0.planner = name
                $0.devices[0].gpulets[0].dutyCycle = nil
            }.map(\.rule)
        }
        #expect(rules("elastic") == [4])
        #expect(rules("elastic:interference=off") == [])
        #expect(rules("self-tuning") == [])
        #expect(rules("whole") == [])
    }

    @Test("Inflation reproduces every published pair, and ends for any rate")
    func inflation() {
        let pairs: [(Int64, Int64)] = [
            (10, 19), (50, 68), (100, 125), (200, 235), (400, 448), (550, 606),
        ]
        for (rate, raised) in pairs {
            #expect(Margins.released.demand(rate * 1_000) == raised * 1_000)
        }
        #expect(Margins.released.demand(1_000 * 1_000) == 1_100 * 1_000)
        #expect(Margins.released.demand(0) == 0)
        #expect(Margins.released.demand(1) == 5_000)
        #expect(Margins.released.demand(1_000_000_000_000) == 1_100_000_000_000)
    }
}
