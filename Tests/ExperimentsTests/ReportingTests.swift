import Experiments
import Foundation
import FoundationXML
import Reports
import ServingDomain
import Simulation
import Testing
import Workloads

@Suite("Reports of simulations and reproductions")
struct ReportingTests {
    private var setup: SimulationSetup {
        let devices = (0..<2).map {
            DeviceSpec(id: DeviceID(Int32($0)), name: "gpu\($0)", kind: "k", units: 100)
        }
        let models = ["resnet50", "<b>&bert"].enumerated().map { place, name in
            let points = [1, 2, 4, 8].map { (batch: Int32) in
                LatencySurface.Point(
                    batch: batch,
                    units: 100,
                    latency: .milliseconds(4 + Int64(batch))
                )
            }
            return SimulatedModel(
                ModelSpec(
                    id: ModelID(Int32(place)),
                    name: name,
                    maxBatch: 8,
                    slo: .milliseconds(30),
                    profiles: [DeviceProfile(kind: "k", surface: LatencySurface(points))]
                )
            )
        }
        let loads = [
            RequestLoad(ModelID(0), .poisson(rate: 200), level: 1),
            RequestLoad(ModelID(1), .poisson(rate: 90)),
            RequestLoad(ModelID(0), .uniform(rate: 20)),
        ]
        var setup = SimulationSetup(
            devices: devices,
            models: models,
            loads: loads,
            duration: .seconds(4)
        )
        setup.warmUp = .seconds(1)
        setup.timelineLimit = 800
        setup.faults = [Fault(.slowDevice(DeviceID(1), milli: 2_000), at: .zero + .seconds(2))]
        return setup
    }

    private func flaw(in text: String) -> String? {
        let parser = XMLParser(data: Data(text.utf8))
        return parser.parse() ? nil : "line \(parser.lineNumber)"
    }

    @Test("A run becomes a well-formed page with every picture, and equal runs equal pages")
    func simulation() throws {
        let ledger = try Simulator.run(setup)
        let page = SimulationReport("Two models", setup: setup, ledger: ledger).report.html()
        #expect(flaw(in: page) == nil)
        for title in [
            "How requests ended", "Latency, high class", "Latency, low class", "Violations",
            "Rates against plan, all models", "Rates against plan, resnet50",
            "Who ran where, a close-up", "Use of the devices", "gpu1 2 x slower", "The last plan",
            "&lt;b&gt;&amp;bert",
        ] {
            #expect(page.contains(title), "\(title)")
        }
        #expect(!page.contains("<b>&"))
        #expect(page.utf8.count < 1_000_000)
        // Models are loaded before the load begins, so the split stands from its first moment.
        #expect(ledger.layouts.first?.at == .zero && ledger.layouts.first?.devices == 2)
        #expect(ledger.answers.allSatisfy { $0.at >= .zero })
        let again = try Simulator.run(setup)
        #expect(SimulationReport("Two models", setup: setup, ledger: again).report.html() == page)
    }

    @Test("A run in which nothing was answered is a page too")
    func nothing() throws {
        var setup = setup
        setup.loads = [RequestLoad(ModelID(0), .uniform(rate: 0.1))]
        setup.timelineLimit = 0
        let ledger = try Simulator.run(setup)
        let page = SimulationReport("Nobody", setup: setup, ledger: ledger).report.html()
        #expect(flaw(in: page) == nil)
        #expect(page.contains("No request was answered."))
    }

    @Test("A reproduction shows its checks and its numbers beside the published ones")
    func result() {
        func row(_ planner: String, _ mix: String, _ published: Double?) -> ResultRow {
            ResultRow(
                "highest rate",
                labels: [.init("mix", mix), .init("planner", planner)],
                published: published,
                measured: 100,
                unit: "r/s",
                basis: .simulated
            )
        }
        let result = ExperimentResult(
            experiment: "gpulets",
            seed: 7,
            rows: [
                row("elastic", "equal", 102.6), row("temporal", "equal", nil),
                row("elastic", "game", nil),
                ResultRow("error <90 %>", measured: nil, unit: "%", basis: .measured),
            ],
            checks: [
                .init("golden", kind: .gate, goal: "all equal", value: 1, holds: true),
                .init("more", kind: .claim, goal: "> 0", value: nil, holds: false, note: "a < b"),
            ]
        )
        let page = ResultReport.report(result, title: "gpu-lets").html()
        #expect(flaw(in: page) == nil)
        #expect(page.contains("1 of 1 gates hold, 0 of 1 claims hold; 4 numbers."))
        #expect(page.contains("✗ fails") && page.contains("a &lt; b"))
        #expect(page.contains(">published</th>") && page.contains("103"))
        let empty = ExperimentResult(experiment: "strait", seed: 1)
        #expect(flaw(in: ResultReport.report(empty, title: "t").html()) == nil)
    }
}
