import Documents
import ServingDomain
import Testing

@Suite("Profiles that can't be meant")
struct BadProfileTests {
    private func profile(_ rows: String) throws -> Profile {
        let text = #"{"model":"m","device":"d","latency":["# + rows + "]}"
        return try Profile(reading: Array(text.utf8), source: "p.json")
    }

    @Test(
        "Holes, doubles and impossible latencies name the row",
        arguments: [
            (
                #"{"batch":2,"share":20,"ms":5}"#,
                "latency[0]: 20 % has no row of batch 1"
            ),
            (
                #"{"batch":1,"share":20,"ms":5},{"batch":4,"share":40,"ms":5}"#,
                "latency[1]: 40 % has no row of batch 1"
            ),
            (
                #"{"batch":1,"share":20,"ms":5},{"batch":1,"share":20,"ms":6}"#,
                "latency[1]: batch 1 on 20 % is there twice, the first time as latency[0]"
            ),
            (
                #"{"batch":8,"share":20,"ms":2},{"batch":1,"share":20,"ms":5}"#,
                "latency[0]: on 20 % batch 8 takes 2 ms, less than the 5 ms of batch 1"
            ),
            (
                #"{"batch":1,"share":20,"ms":5,"instances":2}"#,
                "latency[0]: there is no row of one instance alone"
            ),
            (#"{"batch":1,"share":20,"ms":-5}"#, "latency[0].ms: must lie within 0.0 and"),
            (#"{"batch":1,"share":20,"ms":0}"#, "latency[0].ms: must be more than 0 ms"),
            (#"{"batch":1,"share":20,"ms":nan}"#, "latency[0].ms: must be a number, is the text"),
            (#"{"batch":1,"share":20,"ms":.inf}"#, "latency[0].ms: must be a number, is the text"),
            (#"{"batch":1,"share":20,"ms":1e400}"#, "latency[0].ms: must be a number"),
            (#"{"batch":1,"share":120,"ms":5}"#, "latency[0].share: must lie within 0.0 and 100"),
            (#"{"batch":1.5,"share":20,"ms":5}"#, "latency[0].batch: must be a whole number"),
            (#"{"batch":1,"share":20,"ms":4000000}"#, "latency[0].ms: must lie within"),
        ]
    )
    func rows(text: String, part: String) {
        let error = #expect(throws: DocumentError.self) { try profile(text) }
        #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
        #expect(error?.description.contains("\n") == false)
    }

    @Test("A latency that falls a little is taken as it is, with a warning that names it")
    func warnings() throws {
        let rows = #"{"batch":1,"share":20,"ms":5},{"batch":2,"share":20,"ms":4.9}"#
        let warnings = try profile(rows).warnings
        #expect(warnings.count == 1)
        #expect(warnings.first?.hasPrefix("profile of 'm': latency[1].ms: on 20 % batch 2") == true)
        let fine = #"{"batch":1,"share":20,"ms":5},{"batch":2,"share":20,"ms":5}"#
        #expect(try profile(fine).warnings.isEmpty)
        let many = (1...40).map { #"{"batch":\#($0),"share":20,"ms":\#(5 - Double($0) / 100)}"# }
        #expect(try profile(many.joined(separator: ",")).warnings.count == 21)
    }

    @Test("An objective below the time of one item alone is reported, not refused")
    func objective() throws {
        let rows = #"{"batch":1,"share":20,"ms":9},{"batch":1,"share":100,"ms":5}"#
        let device = DeviceSpec(id: DeviceID(0), name: "gpu0", kind: "d", units: 100)
        var library = ProfileLibrary()
        try library.add(profile(rows), source: "p.json")
        var spec = try library.spec(ModelID(0), of: "m", on: [device])
        spec.slo = .milliseconds(5)
        #expect(spec.obstacle(on: [device]) == nil)
        spec.slo = .microseconds(4_999)
        let line = spec.obstacle(on: [device])
        #expect(line?.contains("'m': sloMs is 4.999, but one item alone takes 5 ms") == true)
        #expect(line?.contains("'gpu0'") == true)
    }
}
