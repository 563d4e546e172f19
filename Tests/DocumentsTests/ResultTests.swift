import Documents
import Testing
import Workloads

@Suite("Reports and results as files")
struct ResultTests {
    @Test("A report of any source survives the way to the file and back")
    func report() throws {
        var line = ServingReport.Line(model: "resnet50", priority: "high")
        line.submitted = 100
        line.served = 90
        line.late = 6
        line.dropped = 4
        line.violationPercent = 10
        line.goodput = 45.5
        line.throughput = 48
        line.latencyMs.p50 = 3.25
        line.latencyMs.p999 = 40
        line.meanBatch = 3.5
        line.notSent = 2
        line.errors = [.init(kind: "504", count: 4, first: "too \"late\"")]
        var total = line
        total.model = nil
        var report = ServingReport(source: .simulated, seed: .max, models: [line], total: total)
        report.planner = "elastic"
        report.digest = "00ff"
        report.durationS = 60
        report.graphs = [ServingReport.Line(graph: "game", priority: "low")]
        report.devices = [.init(id: "gpu0", busy: 0.5, occupied: 0.25, peakMiB: 1_820)]
        report.notes = ["all is well"]
        let bytes = report.json()
        #expect(try ServingReport(reading: bytes, source: "r") == report)
        #expect(try ServingReport(reading: bytes, source: "r").json() == bytes)
    }

    @Test("What the load generator writes reads as well: levels are numbers there")
    func liveReport() throws {
        let text = """
            {"durationS":2,"models":[{"cancelled":0,"dropped":0,"errors":[],"failed":0,"goodput":50,
            "late":0,"latencyMs":{"max":9,"mean":2.5,"p50":2,"p90":4,"p95":5,"p99":8,"p999":9},
            "model":"tiny","notSent":0,"priority":1,"refused":0,"served":100,"submitted":100,
            "throughput":50,"violationPercent":0}],"protocol":"http","seed":1,"sendLagP99Ms":0.2,
            "source":"live","total":{"cancelled":0,"dropped":0,"errors":[],"failed":0,"goodput":50,
            "late":0,"latencyMs":{},"notSent":0,"refused":0,"served":100,"submitted":100,
            "throughput":50,"violationPercent":0},"url":"http://127.0.0.1:8000"}
            """
        let report = try ServingReport(reading: Array(text.utf8), source: "r")
        #expect(report.source == .live && report.models[0].priority == "1")
        #expect(report.models[0].latencyMs.p99 == 8 && report.total.latencyMs.p50 == nil)
        for (wrong, part) in [
            (text.replacingOne("\"live\"", "\"guessed\""), "'guessed' is not known"),
            (text.replacingOne("\"submitted\":100", "\"submitted\":-1"), "models[0].submitted"),
            (text.replacingOne("\"late\"", "\"lat\""), "the nearest known one is 'late'"),
        ] {
            let error = #expect(throws: DocumentError.self) {
                try ServingReport(reading: Array(wrong.utf8), source: "r")
            }
            #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
        }
    }

    @Test("Results of reproductions survive the way to the file and back (seeded)")
    func results() throws {
        for seed in UInt64(1)...20 {
            var dice = SeededGenerator(seed: seed)
            let rows = (0..<5).map { place in
                ResultDocument.Row(
                    metric: "m\(place)",
                    labels: [
                        .init(key: "planner", value: "elastic"), .init(key: "mix", value: "a\n"),
                    ],
                    published: place % 2 == 0 ? nil : dice.unit(),
                    measured: place == 3 ? nil : -1e3 * dice.unit(),
                    unit: "%",
                    basis: ["simulated", "measured", "replayed"][place % 3]
                )
            }
            let result = ResultDocument(
                experiment: "gpulets",
                seed: seed,
                rows: rows,
                checks: [
                    .init(name: "c", kind: "gate", goal: "all", value: 1, holds: true),
                    .init(name: "d", kind: "claim", goal: "g", value: nil, holds: false, note: "n"),
                ]
            )
            #expect(
                try ResultDocument(reading: result.json(), source: "r") == result,
                "seed \(seed)"
            )
        }
        let empty = ResultDocument(experiment: "strait", seed: 1, rows: [], checks: [])
        let text = String(decoding: empty.json(), as: UTF8.self)
        #expect(text == #"{"experiment":"strait","seed":1,"rows":[],"checks":[]}"# + "\n")
        let wrong = text.replacingOne("\"seed\":1", "\"seed\":-1")
        let error = #expect(throws: DocumentError.self) {
            try ResultDocument(reading: Array(wrong.utf8), source: "r")
        }
        #expect(error?.description.contains("seed: must be a whole number") == true)
    }
}

extension String {
    fileprivate func replacingOne(_ old: String, _ new: String) -> String {
        guard let place = range(of: old) else { return self }
        return replacingCharacters(in: place, with: new)
    }

    private func range(of part: String) -> Range<String.Index>? { ranges(of: part).first }

    private func replacingCharacters(in place: Range<String.Index>, with new: String) -> String {
        self[..<place.lowerBound] + new + self[place.upperBound...]
    }
}
