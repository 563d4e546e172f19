import Planning
import ServingDomain
import Testing

/// The papers' planners do what the papers say, and every option changes what it names.
@Suite struct PaperPlannerTests {
    /// Latency 1 ms per item whatever the share beyond `full` units, inversely below.
    private static func flat(beyond full: Int32, perItemMs: Double = 1) -> LatencySurface {
        var points: [LatencySurface.Point] = []
        for units in PlanningWorld.sizes {
            for batch: Int32 in [1, 2, 4, 8, 16, 32] {
                let slower = max(1, Double(full) / Double(units))
                points.append(
                    LatencySurface.Point(
                        batch: batch,
                        units: units,
                        latency: .milliseconds(rounding: Double(batch) * perItemMs * slower)
                    )
                )
            }
        }
        return LatencySurface(points)
    }

    private func plan(_ name: String, _ world: PlanningWorld) throws -> Plan {
        let plan = try PlannerCatalogue.planner(named: name).plan(world.inputs)
        #expect(Audit.violations(of: plan, for: world.inputs) == [])
        return plan
    }

    private func sizes(_ plan: Plan) -> [[Int32]] { plan.devices.map { $0.gpulets.map(\.units) } }

    @Test("A model takes the smaller of its knee and what its rate requires")
    func ideal() throws {
        // From 40 % on a larger share brings nothing: 1,000 r/s there, 500 r/s on 20 %.
        var world = PlanningWorld(devices: 2)
        world.add("a", rate: 1_300, sloMs: 64, surface: Self.flat(beyond: 40))
        let large = try plan("elastic", world)
        // 1,000 on the knee; the remaining 300 need 20, and the tightest free part is what the
        // first split left, which can't be cut again.
        #expect(sizes(large) == [[40, 60], []])
        #expect(large.devices[0].gpulets[0].lanes[0].milliRate == 1_000_000)
        #expect(large.devices[0].gpulets[0].lanes[0].why?.contains("knee") == true)
        #expect(large.devices[0].gpulets.last?.lanes[0].why?.contains("tightest") == true)
        world.rates = [400]
        #expect(sizes(try plan("elastic", world)) == [[20], []])
        // Without a knee self-tuning takes what exceeds the rate, however inefficient.
        world.rates = [999]
        #expect(sizes(try plan("self-tuning", world)) == [[40], []])
        world.rates = [1_000]
        #expect(sizes(try plan("self-tuning", world)) == [[100], []])
    }

    @Test(
        "A model that was measured on the whole device alone is put on nothing less",
        arguments: ["elastic", "self-tuning", "temporal", "confluence"]
    )
    func wholeOnly(name: String) throws {
        let surface = Self.flat(beyond: 40)
        let whole = LatencySurface(surface.points.filter { $0.units == 100 })
        for rates in [[100, 100], [400, 10], [10, 400], [900, 900], [600, 300]] as [[Double]] {
            var world = PlanningWorld(devices: 2)
            world.add("a", rate: 0, sloMs: 64, surface: surface)
            world.add("b", rate: 0, sloMs: 64, surface: whole)
            world.rates = rates
            for gpulet in try plan(name, world).devices.flatMap(\.gpulets)
            where gpulet.lanes.contains(where: { $0.model == ModelID(1) }) {
                #expect(gpulet.units == 100, "rates \(rates)")
            }
        }
    }

    @Test("What fits beside others in time is merged before a split is kept")
    func merges() throws {
        var world = PlanningWorld(devices: 1)
        for name in ["a", "b", "c"] {
            world.add(name, rate: 100, sloMs: 64, surface: Self.flat(beyond: 40))
        }
        let merged = try plan("elastic", world)
        #expect(sizes(merged) == [[20]])
        #expect(merged.devices[0].gpulets[0].lanes.count == 3)
        #expect(merged.devices[0].gpulets[0].lanes[2].why?.contains("takes turns") == true)
        let apart = try plan("elastic:temporal=off", world)
        #expect(sizes(apart) == [[20, 80]])
        #expect(apart.unserved.map(\.model.index) == [2])
        #expect(apart.unserved[0].why?.contains("no free part") == true)
        #expect(
            sizes(try plan("elastic:temporal=off,maxGpulets=3", many(world))) == [[20, 20, 60]]
        )
        #expect(sizes(try plan("elastic:spatial=off", world)) == [[100]])
        #expect(sizes(try plan("elastic:temporal=off,maxGpulets=1", world)) == [[100]])
    }

    private func many(_ world: PlanningWorld) -> PlanningWorld {
        var world = world
        world.devices[0].maxGpulets = 0
        return world
    }

    @Test("Slowdowns of both sides count: the neighbour loses rate and is owed it again")
    func interference() throws {
        var world = PlanningWorld(devices: 2)
        // Half as long again beside anything that keeps the device busy.
        world.contention = .linear(
            LinearContention(l2Self: 0, l2Other: 1, dramSelf: 0, dramOther: 0, constant: 1)
        )
        world.add("a", rate: 990, sloMs: 64, surface: Self.flat(beyond: 50), busy: 1)
        world.add("b", rate: 900, sloMs: 64, surface: Self.flat(beyond: 50), busy: 1)
        let blind = try plan("elastic:interference=off", world)
        #expect(sizes(blind) == [[50, 50], []])
        let aware = try plan("elastic", world)
        #expect(aware.schedulable)
        #expect(aware.devices[1].gpulets.count >= 1)
        for device in aware.devices {
            for gpulet in device.gpulets {
                let beside = device.gpulets.count > 1
                for lane in gpulet.lanes {
                    let expected = lane.expected ?? .zero
                    let alone = TimeSpan.milliseconds(
                        rounding: Double(lane.batchLimit) * max(1, 50 / Double(gpulet.units))
                    )
                    #expect(beside ? expected > alone : expected == alone)
                }
            }
        }
    }

    @Test("Temporal fills devices first, then merges the rests, fullest first")
    func temporal() throws {
        var world = PlanningWorld(devices: 3)
        world.add("a", rate: 1_200, sloMs: 64, surface: Self.flat(beyond: 100))
        world.add("b", rate: 300, sloMs: 64, surface: Self.flat(beyond: 100))
        let plan = try plan("temporal", world)
        #expect(plan.schedulable)
        #expect(sizes(plan) == [[100], [100], []])
        #expect(plan.devices[0].gpulets[0].lanes.map(\.milliRate) == [1_000_000])
        #expect(plan.devices[1].gpulets[0].lanes.map(\.model.index) == [1, 0])
        #expect(try self.plan("temporal:temporal=off", world).devices[2].gpulets.count == 1)
    }

    @Test("The memory of a device bounds what sits on it, weights once")
    func memory() throws {
        var world = PlanningWorld(devices: 2, memoryMiB: 1_500)
        for name in ["a", "b"] {
            let surface = Self.flat(beyond: 40)
            world.add(name, rate: 100, sloMs: 64, surface: surface, memoryMiB: 1_000)
        }
        for name in ["elastic", "temporal", "self-tuning", "exhaustive"] {
            let plan = try plan(name, world)
            #expect(plan.devices.map { $0.gpulets.flatMap(\.lanes).count } == [1, 1], "\(name)")
        }
    }

    @Test("On devices of two kinds each model goes where it can meet its objective")
    func kinds() throws {
        var world = PlanningWorld(devices: 2)
        world.devices[0].kind = "slow"
        world.add("a", rate: 400, sloMs: 64, surface: Self.flat(beyond: 40))
        let slow = Self.flat(beyond: 40, perItemMs: 40)
        world.models[0].set(DeviceProfile(kind: "slow", surface: slow))
        for name in ["elastic", "temporal", "self-tuning", "exhaustive"] {
            let plan = try plan(name, world)
            #expect(plan.schedulable, "\(name)")
            #expect(plan.devices[0].gpulets.isEmpty, "\(name)")
        }
    }

    @Test("Exhaustive finds a layout where the greedy order finds none")
    func exhaustive() throws {
        var world = PlanningWorld(devices: 1)
        // The first takes its knee of 60 and leaves 40; together they need 50 and 50.
        world.add(
            "a",
            rate: 260,
            sloMs: 64,
            surface: Self.steps([20: 80, 40: 160, 50: 270, 60: 400])
        )
        world.add(
            "b",
            rate: 250,
            sloMs: 64,
            surface: Self.steps([20: 80, 40: 160, 50: 270, 60: 400])
        )
        let greedy = try plan("elastic:temporal=off", world)
        let ideal = try plan("exhaustive:temporal=off", world)
        #expect(ideal.schedulable)
        #expect(sizes(ideal) == [[50, 50]])
        #expect(sizes(greedy) == [[50, 50]] || !greedy.schedulable)
    }

    /// One batch of one item per 1 / rate seconds at each size; 80 and 100 like 60.
    private static func steps(_ rates: [Int32: Double]) -> LatencySurface {
        LatencySurface(
            PlanningWorld.sizes.map { units in
                LatencySurface.Point(
                    batch: 1,
                    units: units,
                    latency: .milliseconds(rounding: 1_000 / (rates[min(units, 60)] ?? 400))
                )
            }
        )
    }

    @Test("Margins raise demand, lengthen latency, and forgive what is left")
    func margins() throws {
        var world = PlanningWorld(devices: 1)
        world.add("a", rate: 1_010, sloMs: 64, surface: Self.flat(beyond: 100))
        #expect(try plan("elastic", world).unserved.map(\.milliRate) == [10_000])
        #expect(try plan("elastic:slack=15", world).schedulable)
        let raised = try plan("elastic:inflation=on", world)
        #expect(raised.unserved.map(\.milliRate) == [111_000])
        let slower = try plan("elastic:ratio=1.1", world)
        #expect((slower.unserved.first?.milliRate ?? 0) > 100_000)
    }

    @Test("A wrong option names the nearest, or what it may be")
    func options() {
        for (name, part) in [
            ("elastic:spacial=off", "did you mean 'spatial'?"),
            ("elastic:spatial=no", "must be on or off"),
            ("elastic:maxGpulets=0", "1...1024"),
            ("temporal:margins=some", "none or released"),
            ("exhaustive:order=best", "paper or released"),
            ("self-tuning:ratio=0.5", "1.1 in the released code"),
            ("elastic:slack=-1", "15 in the released code"),
            ("elastick", "did you mean 'elastic'?"),
        ] {
            let error = #expect(throws: PlanError.self) {
                try PlannerCatalogue.planner(named: name)
            }
            #expect(error?.message.contains(part) == true, "\(error?.message ?? "")")
        }
    }

    @Test("Every switch of the released code can be turned, and stands in the name")
    func switches() throws {
        for name in ReleasedRules.switches {
            let isOn = name == "permutes"
            let text = "elastic:margins=released,order=released,\(name)=\(isOn ? "on" : "off")"
            let planner = try PlannerCatalogue.planner(named: text)
            #expect(planner.name == text)
            var world = PlanningWorld(devices: 2, memoryMiB: 11_000)
            world.contention = PlanningWorld.published
            for (model, rate) in [("a", 300.0), ("b", 200.0), ("c", 40.0)] {
                world.add(model, rate: rate, sloMs: 108, busy: 0.6, memoryMiB: 1_000)
            }
            let plan = try planner.plan(world.inputs)
            #expect(Audit.violations(of: plan, for: world.inputs) == [], "\(name)")
        }
    }
}
