import Documents
import ServingDomain
import Testing
import Workloads

@Suite("Profiles, clusters and demands")
struct ProfileTests {
    private let full = """
        {"model":"resnet50","device":"rtx-2080ti","latency":[
          {"batch":1,"share":20,"ms":7.9},
          {"batch":2,"share":20,"ms":9.25,"p99Ms":11,"samples":400},
          {"batch":1,"share":20,"ms":14,"instances":2}
        ],"inputBytes":602112,"outputBytes":4000,"memoryMiB":1820,"utilization":[
          {"batch":1,"sm":0.2,"l2":0.15,"dram":0.28}
        ],"digest":"abc","measured":"2026-11-21","flops":4100000000,"workspaceMiB":[
          {"batch":8,"MiB":120.5}
        ],"startMs":{"cold":900,"warm":30}}

        """

    @Test("A profile reads and writes to the same bytes")
    func roundTrip() throws {
        let profile = try Profile(reading: Array(full.utf8), source: "p.json")
        let written = profile.json()
        #expect(try Profile(reading: written, source: "again") == profile)
        #expect(try Profile(reading: written, source: "again").json() == written)
        #expect(profile.latency.count == 3 && profile.latency[1].p99Ms == 11)
        #expect(profile.start == Profile.Start(cold: 900, warm: 30) && profile.segments == 1)
        #expect(profile.measured == "2026-11-21" && profile.fingerprint == nil)
    }

    @Test("Random profiles survive writing and reading")
    func property() throws {
        for seed in UInt64(1)...50 {
            var dice = SeededGenerator(seed: seed)
            var profile = Profile(
                model: "m\"\\\u{7}é \(seed)",
                device: "cpu",
                latency: (0..<20).map { place in
                    Profile.Row(
                        batch: Int32(place + 1),
                        share: max(0.001, dice.unit() * 100),
                        ms: dice.unit() * 1e4,
                        instances: Int32(1 + dice.next() % 4),
                        p99Ms: dice.next() % 2 == 0 ? nil : dice.unit(),
                        samples: Int64(dice.next() % 1_000_000)
                    )
                }
            )
            profile.flops = dice.unit() * 1e12
            profile.segments = Int32(1 + dice.next() % 9)
            #expect(try Profile(reading: profile.json(), source: "s") == profile, "seed \(seed)")
        }
    }

    @Test("Shares become whole units; what hits none says which shares there are")
    func surface() throws {
        let profile = try Profile(reading: Array(full.utf8), source: "p.json")
        func device(_ units: Int32) -> DeviceSpec {
            DeviceSpec(id: DeviceID(0), name: "gpu0", kind: "rtx-2080ti", units: units)
        }
        let surface = try profile.surface(on: device(10))
        #expect(surface.latency(batch: 1, units: 2) == .microseconds(7_900))
        #expect(surface.latency(batch: 2, units: 9) == .microseconds(9_250))
        #expect(surface.points.count == 2)
        let error = #expect(throws: DocumentError.self) { try profile.surface(on: device(68)) }
        #expect(error?.path == "latency[0].share")
        #expect(error?.what.contains("the 68 units of device 'gpu0'") == true)
        var h200 = Profile(model: "m", device: "h200", latency: [])
        h200.latency = [.init(batch: 1, share: 6.06, ms: 1)]
        #expect(try h200.surface(on: device(132)).points.first?.units == 8)
    }

    @Test(
        "A wrong profile names the place",
        arguments: [
            (#"{"device":"d","latency":[{"batch":1,"share":20,"ms":1}]}"#, "'model' is missing"),
            (#"{"model":"m","device":"d","latency":[]}"#, "latency: has no rows"),
            (
                #"{"model":"m","device":"d","latency":[{"batch":0,"share":20,"ms":1}]}"#,
                "latency[0].batch: must lie within 1"
            ),
            (
                #"{"model":"m","device":"d","latency":[{"batch":1,"share":0,"ms":1}]}"#,
                "latency[0].share: must be more than 0 %"
            ),
            (
                #"{"model":"m","device":"d","latency":[{"batch":1,"share":20,"mss":1}]}"#,
                "latency[0]: unknown key 'mss'; the nearest known one is 'ms'"
            ),
            (#"{"model":7,"device":"d","latency":[{"batch":1,"share":2,"ms":1}]}"#, "model: must"),
        ]
    )
    func wrong(text: String, part: String) {
        let error = #expect(throws: DocumentError.self) {
            try Profile(reading: Array(text.utf8), source: "p")
        }
        #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
    }

    @Test("A cluster's devices are numbered in order, with their units and memory")
    func cluster() throws {
        let text = """
            devices:
              - {id: gpu0, kind: rtx-2080ti, memoryMiB: 11000, shares: [20, 40, 50, 60, 80, 100],
                 maxGpulets: 2, pcieGBps: 12}
              - {id: gpu1, kind: h200, units: 132, grain: 8}
            """
        let cluster = try Cluster(reading: Array(text.utf8), source: "c.yaml")
        #expect(cluster.devices[0].shares == [20, 40, 50, 60, 80, 100])
        #expect(cluster.devices[0].maxGpulets == 2)
        #expect(cluster.specs.map(\.id) == [DeviceID(0), DeviceID(1)])
        #expect(cluster.specs.map(\.units) == [100, 132])
        #expect(cluster.specs.map(\.memoryMiB) == [11_000, 0])
        for wrong in [
            "devices: []", "devices: [{id: a, kind: k}, {id: a, kind: k}]",
            "devices: [{id: a, kind: k, shares: [20.5]}]",
            "devices: [{id: a, kind: k, shares: [40, 20]}]",
            "devices: [{id: a, kind: k, units: 4, grain: 5}]",
        ] {
            #expect(throws: DocumentError.self, "\(wrong)") {
                try Cluster(reading: Array(wrong.utf8), source: "c")
            }
        }
    }

    @Test("A demand has rates, objectives and classes")
    func demand() throws {
        let text = """
            {"models":[{"model":"a","rate":100.5,"sloMs":95,"priority":"high"},
                       {"model":"b","rate":0,"percentile":95}]}
            """
        let demand = try Demand(reading: Array(text.utf8), source: "d.json")
        #expect(demand.models[0].slo == .milliseconds(95) && demand.models[0].priority == .high)
        #expect(demand.models[0].milliRate == 100_500 && demand.models[0].percentile == 99)
        #expect(demand.models[1].slo == nil && demand.models[1].priority == .low)
        for wrong in [
            #"{"models":[]}"#, #"{"models":[{"model":"a","rate":-1}]}"#,
            #"{"models":[{"model":"a","rate":1,"priority":"top"}]}"#,
        ] {
            #expect(throws: DocumentError.self) {
                try Demand(reading: Array(wrong.utf8), source: "d")
            }
        }
    }
}
