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
                latency: (0..<20).map { (place: Int) -> Profile.Row in
                    Profile.Row(
                        batch: Int32(place % 5 + 1),
                        share: 0.125 * Double(place / 5 + 1),
                        ms: dice.unit() + Double(place % 5 + 1),
                        p99Ms: dice.next() % 2 == 0 ? nil : dice.unit(),
                        samples: Int64(dice.next() % 1_000_000)
                    )
                }
            )
            profile.latency.append(Profile.Row(batch: 1, share: 50, ms: 1))
            let several = Profile.Row(batch: 3, share: 50, ms: 1 + dice.unit(), instances: 4)
            profile.latency.append(several)
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
        #expect(surface.latency(batch: 1, units: 2, instances: 2) == .milliseconds(14))
        #expect(surface.p99(batch: 2, units: 2) == .milliseconds(11))
        #expect(surface.points.count == 3)
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

    @Test("Memory, utilisation and start-up times reach the domain")
    func deviceProfile() throws {
        var profile = try Profile(reading: Array(full.utf8), source: "p.json")
        let device = DeviceSpec(id: DeviceID(0), name: "g", kind: "rtx-2080ti", units: 100)
        var known = try profile.deviceProfile(on: device)
        #expect(known.memory.weightsKiB == 1_820 * 1_024)
        #expect(known.memory.workspace == [.init(batch: 8, kib: 123_392)])
        #expect(known.utilization == [.init(batch: 1, sm: 0.2, l2: 0.15, dram: 0.28)])
        #expect(known.coldStart == .milliseconds(900) && known.warmStart == .milliseconds(30))
        profile.weightsMiB = 97.5
        known = try profile.deviceProfile(on: device)
        #expect(known.memory.weightsKiB == 99_840)
    }

    @Test("A library gives models their profiles by kind, and refuses two for one place")
    func library() throws {
        var library = ProfileLibrary()
        let profile = try Profile(reading: Array(full.utf8), source: "p.json")
        try library.add(profile, source: "p.json")
        let error = #expect(throws: DocumentError.self) {
            try library.add(profile, source: "q.json")
        }
        #expect(error?.description.hasPrefix("q.json: model: there is a profile of") == true)
        var other = profile
        other.device = "l4"
        other.latency = [.init(batch: 1, share: 100, ms: 3)]
        try library.add(other, source: "r.json")
        let devices = ["rtx-2080ti", "rtx-2080ti", "cpu"].enumerated().map { place, kind in
            DeviceSpec(id: DeviceID(Int32(place)), name: "d\(place)", kind: kind, units: 100)
        }
        let spec = try library.spec(ModelID(3), of: "resnet50", on: devices)
        #expect(spec.profiles.map(\.kind) == ["rtx-2080ti"])
        #expect(spec.maxBatch == 2 && spec.inputBytes == 602_112 && spec.id == ModelID(3))
        let none = try library.spec(ModelID(0), of: "bert", on: devices)
        #expect(none.profiles.isEmpty && none.maxBatch == 1)
        #expect(none.obstacle(on: devices)?.contains("no profile on any kind") == true)
        var mixed = devices
        mixed[1].units = 68
        let kinds = #expect(throws: DocumentError.self) {
            try library.spec(ModelID(0), of: "resnet50", on: mixed)
        }
        #expect(kinds?.path == "devices[1].units")
    }
}
