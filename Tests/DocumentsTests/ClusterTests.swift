import Documents
import ServingDomain
import Testing

@Suite("Clusters, devices, pairs and demands")
struct ClusterTests {
    private func cluster(_ text: String) throws -> Cluster {
        try Cluster(reading: Array(text.utf8), source: "c.yaml")
    }

    @Test("A cluster's devices are numbered in order, with their units, shares and memory")
    func cluster() throws {
        let text = """
            devices:
              - {id: gpu0, kind: rtx-2080ti, memoryMiB: 11000, shares: [20, 40, 50, 60, 80, 100],
                 maxGpulets: 2, pcieGBps: 12}
              - {id: gpu1, kind: h200, units: 132, grain: 8}
            """
        let cluster = try cluster(text)
        let specs = try cluster.specs()
        #expect(specs.map(\.id) == [DeviceID(0), DeviceID(1)])
        #expect(specs.map(\.units) == [100, 132])
        #expect(specs.map(\.memoryMiB) == [11_000, 0])
        #expect(specs[0].shares == [20, 40, 50, 60, 80, 100] && specs[0].maxGpulets == 2)
        #expect(specs[0].copyEngines == 2 && specs[0].copy?.bytesPerSecond == 12_000_000_000)
        #expect(specs[1].copy == nil && specs[1].copyEngines == 0 && specs[1].grain == 8)
        #expect(try Cluster(reading: cluster.json(), source: "again") == cluster)
    }

    @Test("What a cluster leaves open comes from the description of the kind")
    func kinds() throws {
        var kind = DeviceDescription(kind: "h200", units: 132)
        kind.grain = 8
        kind.memoryMiB = 140_000
        kind.copyEngines = 4
        kind.copy = .init(tauUs: 10, gbps: 50, bothWays: 0.9)
        let plain = try cluster("devices: [{id: a, kind: h200, shares: [6.06, 100]}]")
        let spec = try plain.specs(kinds: [kind])[0]
        #expect(spec.units == 132 && spec.grain == 8 && spec.memoryMiB == 140_000)
        #expect(spec.shares == [8, 132] && spec.copyEngines == 4)
        #expect(spec.copy?.setup == .microseconds(10) && spec.copy?.bothWaysMilli == 900)
        let own = "devices: [{id: a, kind: h200, units: 100, memoryMiB: 5, pcieGBps: 25}]"
        let mixed = try cluster(own).specs(kinds: [kind])[0]
        #expect(mixed.units == 100 && mixed.memoryMiB == 5)
        #expect(mixed.copy?.bytesPerSecond == 25_000_000_000)
        let error = #expect(throws: DocumentError.self) { try plain.specs() }
        #expect(error?.path == "devices[0].shares[0]")
        #expect(error?.what.contains("multiples of 1 %") == true)
    }

    @Test(
        "A wrong cluster names the place",
        arguments: [
            ("devices: []", "devices: names no device; give at least one"),
            ("devices: [{id: a, kind: k}, {id: a, kind: k}]", "the id 'a' is there twice"),
            (
                "devices: [{id: a, kind: k, units: 4, shares: [20]}]",
                "devices[0].shares[0]: 20 % is not a whole number of the 4 units of device 'a';"
                    + " its shares are 25, 50, 75, 100 %"
            ),
            ("devices: [{id: a, kind: k, shares: [40, 20]}]", "shares must ascend"),
            ("devices: [{id: a, kind: k, shares: [120]}]", "devices[0].shares[0]: must lie within"),
            ("devices: [{id: a, kind: k, units: 4, grain: 5}]", "devices[0].grain: must lie"),
            ("devices: [{id: a, kind: k, pcieGBp: 5}]", "the nearest known one is 'pcieGBps'"),
            ("devices: [{id: '', kind: k}]", "devices[0].id: must be a name"),
            ("device: []", "unknown key 'device'; the nearest known one is 'devices'"),
        ]
    )
    func wrong(text: String, part: String) {
        let error = #expect(throws: DocumentError.self) { try cluster(text) }
        #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
    }

    @Test("A share written with few decimals reads back as the same units, for any device")
    func shares() {
        for units in [1, 3, 7, 68, 100, 108, 132, 1_000, 65_536] as [Int32] {
            let device = DeviceSpec(id: DeviceID(0), name: "d", kind: "k", units: units)
            for count in stride(from: Int32(1), through: units, by: max(1, Int(units) / 97)) {
                let share = device.share(of: count)
                #expect(device.units(ofShare: share) == count, "\(count) of \(units)")
            }
        }
        let h200 = DeviceSpec(id: DeviceID(0), name: "d", kind: "k", units: 132)
        #expect(h200.share(of: 8) == 6.06 && h200.share(of: 66) == 50)
    }

    @Test("A description of a kind reads and writes to the same bytes, contention included")
    func description() throws {
        let models = ["a", "b"].enumerated().map { place, name in
            ModelSpec(id: ModelID(Int32(place)), name: name)
        }
        let contentions: [(ContentionDescription, ContentionModel)] = [
            (.none, .none),
            (
                .linear(
                    .init(l2Self: 0.1, l2Other: 0.7, dramSelf: 0.3, dramOther: 0.1, constant: 0.9)
                ),
                .linear(
                    .init(l2Self: 0.1, l2Other: 0.7, dramSelf: 0.3, dramOther: 0.1, constant: 0.9)
                )
            ),
            (.loss(.prior), .loss(.prior)),
            (
                .pairs(
                    [
                        .init(victim: "b", other: "a", slowdown: 1.5),
                        .init(victim: "c", other: "a", slowdown: 2),
                    ],
                    unknown: 1.25
                ),
                .table(
                    PairContention(
                        [.init(victim: ModelID(1), other: ModelID(0), slowdown: 1.5)],
                        unknown: 1.25
                    )
                )
            ),
        ]
        for (contention, model) in contentions {
            var kind = DeviceDescription(kind: "h200", units: 132)
            kind.peakTflops = 989.5
            kind.memoryGBps = 4_800
            kind.copy = .init(tauUs: 8, gbps: 50, bothWays: 0.9)
            kind.sources = ["a data sheet"]
            kind.contention = contention
            let written = kind.json()
            #expect(try DeviceDescription(reading: written, source: "d") == kind)
            #expect(contention.model(of: models) == model)
        }
        for (text, part) in [
            ("{kind: k, contention: {model: lineer}}", "'lineer' is not known; known are none"),
            ("{kind: k, contention: {model: loss, weights: [1]}}", "weights: must be 10 numbers"),
            ("{kind: k, contention: {model: none, weights: []}}", "does not belong"),
            ("{kind: k, contention: {model: linear, l2Self: 1}}", "'l2Other' is missing"),
            ("{kind: k, copy: {tauUs: 1}}", "'GBps' is missing"),
        ] {
            let error = #expect(throws: DocumentError.self) {
                try DeviceDescription(reading: Array(text.utf8), source: "d")
            }
            #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
        }
    }

    @Test("A demand has rates, objectives and classes, and writes what it read")
    func demand() throws {
        let text = """
            {"models":[{"model":"a","rate":100.5,"sloMs":95,"priority":"high"},
                       {"model":"b","rate":0,"percentile":95,"graph":"game"}]}
            """
        let demand = try Demand(reading: Array(text.utf8), source: "d.json")
        #expect(demand.models[0].slo == .milliseconds(95) && demand.models[0].priority == .high)
        #expect(demand.models[0].milliRate == 100_500 && demand.models[0].percentile == 99)
        #expect(demand.models[1].slo == nil && demand.models[1].priority == .low)
        #expect(try Demand(reading: demand.json(), source: "again") == demand)
        for (wrong, part) in [
            (#"{"models":[]}"#, "names no model"),
            (#"{"models":[{"model":"a","rate":-1}]}"#, "models[0].rate: must lie within 0"),
            (
                #"{"models":[{"model":"a","rate":1e-9}]}"#,
                "models[0].rate: must be 0 or at least 0.001"
            ),
            (#"{"models":[{"model":"a","rate":1e10}]}"#, "models[0].rate: must lie within"),
            (#"{"models":[{"model":"a","rate":nan}]}"#, "models[0].rate: must be a number"),
            (#"{"models":[{"model":"a","rate":1,"priority":"top"}]}"#, "'high' or 'low'"),
            (#"{"models":[{"model":"a","rate":1},{"model":"a","rate":2}]}"#, "'a' is there twice"),
            (#"{"models":[{"model":"a","rate":1,"slo":5}]}"#, "the nearest known one is 'sloMs'"),
        ] {
            let error = #expect(throws: DocumentError.self) {
                try Demand(reading: Array(wrong.utf8), source: "d")
            }
            #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
        }
        // A rate beyond every device is a demand like any other: its plan says what is unserved.
        let large = #"{"models":[{"model":"a","rate":1e9}]}"#
        #expect(
            try Demand(reading: Array(large.utf8), source: "d").models[0].milliRate
                == 1_000_000_000_000
        )
    }
}
