import Documents
import Foundation
import ModelZoo
import ServingDomain
import Testing

@testable import LiveExperiments

/// What servers and the system say, read; what servers are told, written.
@Suite struct WordsTests {
    @Test("A server's first words: where it listens, ready or not, and why not")
    func start() {
        let text = """
            sluice 0.1.0 serves tiny
              HTTP     http://127.0.0.1:41549
              metrics  http://127.0.0.1:36859/metrics
            ready

            """
        let words = StartWords(text)
        #expect(words.isReady && words.url == "http://127.0.0.1:41549")
        #expect(words.metrics == "http://127.0.0.1:36859/metrics")
        #expect(!StartWords(String(text.dropLast())).isReady, "the line has no end yet")
        let failed = StartWords("  failed   model 'm' is broken\nnot ready: 1 of the models\n")
        #expect(failed.refusal == "model 'm' is broken" && !failed.isReady)
        #expect(StartWords("  failed   model 'm'\n").refusal == nil, "others may still load")
        #expect(StartWords("not ready: going down\n").refusal == "not ready: going down")
        #expect(StartWords.last(of: "a\nError: no planner\n") == "no planner")
        #expect(StartWords.last(of: String(repeating: "x", count: 999)).count == 300)
    }

    @Test("Settings stand behind the zoo's text; the batch replaces what is there")
    func settings() throws {
        var settings = ModelSettings(sloMs: 27.5, priority: .high)
        settings.percentile = 95
        settings.maxBatch = 4
        settings.instanceLimit = 3
        let config = try Zoo.build("lenet").config
        let text = settings.apply(to: config)
        for part in [
            "max_batch_size: 4\n", "\"slo.latency_ms\" value { string_value: \"27.5\" }",
            "\"slo.percentile\" value { string_value: \"95\" }",
            "\"priority.class\" value { string_value: \"high\" }",
            "\"instances.limit\" value { string_value: \"3\" }",
        ] {
            #expect(text.contains(part), "\(part) is missing")
        }
        #expect(!text.contains("max_batch_size: 64"), "the zoo's own limit is gone")
        let plain = ModelSettings().apply(to: "x\n")
        #expect(plain.hasPrefix("x\n") && plain.contains("\"low\"") && !plain.contains("slo"))
    }

    @Test("Servers listen on this machine only, on any free port")
    func command() {
        let words = ServerCommand.system("confluence", repository: "/r", flags: ["--x", "y"])
            .arguments(library: "/l.so")
        func value(_ flag: String) -> String? {
            words.firstIndex(of: flag).map { words[$0 + 1] }
        }
        #expect(words.first == "serve" && value("--model-repository") == "/r")
        #expect(value("--http-address") == "127.0.0.1" && value("--http-port") == "0")
        #expect(value("--metrics-address") == "127.0.0.1" && value("--metrics-port") == "0")
        #expect(value("--system") == "confluence" && value("--x") == "y")
        #expect(value("--onnxruntime") == "/l.so")
    }

    @Test("Triton's statistics: versions are added up, sizes sorted; nonsense is refused")
    func statistics() throws {
        let version = """
            {"inference_count":5,"execution_count":2,"inference_stats":{"fail":{"count":1}},
             "batch_stats":[{"batch_size":4,"compute_infer":{"count":1,"ns":2000000000}},
                            {"batch_size":1,"compute_infer":{"count":1,"ns":500000000}}]}
            """
        let text = "{\"model_stats\":[\(version),\(version)]}"
        let counts = try ModelCounts(json: Array(text.utf8))
        #expect(counts.inferences == 10 && counts.executions == 4 && counts.failures == 2)
        #expect(counts.computing == 5)
        #expect(
            counts.sizes == [
                .init(items: 1, batches: 2, seconds: 1), .init(items: 4, batches: 2, seconds: 4),
            ]
        )
        #expect(throws: LiveError.self) { try ModelCounts(json: Array("{}".utf8)) }
    }

    @Test("A plan is read with its reasons, whatever else stands beside it")
    func plan() throws {
        let text = """
            {"plan":{"schedulable":true,"planner":"whole","epoch":4,"devices":[{"id":"cpu0",
             "gpulets":[{"share":100,"units":2,"slots":4,"lanes":[{"model":"lenet","batch":64,
             "rate":0,"instances":2}]}]}],"unserved":[]},"demand":[],"new":1,
             "explanation":["lenet: it is alone."]}
            """
        let told = try PlanTold(json: Array(text.utf8))
        #expect(told.plan.epoch == 4 && told.plan.schedulable && told.lastFailure == nil)
        #expect(told.sketch == "100 % lenet(64x2)")
        #expect(told.reasons(of: "lenet") == ["lenet: it is alone."])
        #expect(told.reasons(of: "le").isEmpty)
        #expect(throws: LiveError.self) { try PlanTold(json: Array("[]".utf8)) }
    }

    @Test("Metrics are found by whole names and labels")
    func metrics() {
        let lines = MetricLines("# HELP a\na_b 3\na{x=\"1\",y=\"2\"} 4\na{x=\"2\"} 5\n")
        #expect(lines.value("a_b") == 3)
        #expect(lines.value("a", ["x=\"2\""]) == 5)
        #expect(lines.value("a") == 4)
        #expect(lines.value("b") == nil)
        #expect(lines.sum("a") == 9)
        #expect(lines.sum("a", ["y=\"2\""]) == 4)
        #expect(lines.sum("b") == 0)
    }

    @Test("Processor time: a process's name may hold anything, idle time is no work")
    func processors() throws {
        // Two seconds of two processors: one worked, one stolen, so a third of what was there.
        let tick = Double(sysconf(Int32(_SC_CLK_TCK)))
        let before = ProcessorTime(machine: StealTime(), process: 0, moment: 5)
        let after = ProcessorTime(
            machine: StealTime(worked: tick, stolen: tick),
            process: 0.5,
            moment: 7
        )
        #expect(abs(after.busy(since: before, cores: 2) - 1 / 3.0) < 1e-12)
        let stat = "42 (a) (b) S 1 2 3 4 5 6 7 8 9 10 70 30 0 0 20"
        #expect(ProcessorTime.processTicks(stat) == 100)
        #expect(ProcessorTime.processTicks("nothing") == 0)
        // Our own time, by the clock: it only grows, and there is some of it; nobody has none.
        let ourselves = ProcessInfo.processInfo.processIdentifier
        let earlier = try #require(ProcessorTime.exact(of: ourselves))
        #expect(earlier > 0 && ProcessorTime.now(of: ourselves).process >= earlier)
        // Linux gives no process a number of 2^22 or more.
        #expect(ProcessorTime.exact(of: 0) == nil && ProcessorTime.exact(of: 1 << 22) == nil)
    }

    @Test("A median of an even number lies between the two in the middle")
    func median() {
        #expect(Median.of([]) == nil)
        #expect(Median.of([3, 1, 2]) == 2)
        #expect(Median.of([4, 1, 2, 3]) == 2.5)
    }
}
