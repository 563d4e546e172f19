import ServingDomain
import Testing
import Workloads

@testable import LoadGenerator

@Suite("The words of the command line")
struct LoadWordsTests {
    @Test("A model may bring its own rate, priority, timeout and objective")
    func models() throws {
        let words = LoadWords(rate: 50, priority: 2, timeoutMs: 100)
        let plain = try words.model("resnet50")
        #expect(plain.name == "resnet50" && plain.version == nil && plain.priority == 2)
        #expect(plain.process == .poisson(rate: 50) && plain.timeout == .milliseconds(100))
        let own = try words.model("a@3:concurrency=8,priority=1,slo-ms=2.5")
        #expect(own.version == 3 && own.process == .closed(concurrency: 8))
        #expect(own.priority == 1 && own.objective == .microseconds(2_500))
        #expect(try LoadWords().model("a").process == .closed(concurrency: 1))
        let bursty = try LoadWords(rate: 5, arrivals: "bursty").model("a")
        #expect(bursty.process == .bursty(.standard(rate: 5)))
    }

    @Test("A trace's models get their own arrivals")
    func traces() throws {
        let words = LoadWords(trace: try Trace(parsing: Array("0 a\n1 b\n2 a".utf8)))
        #expect(try words.model("a").process == .trace([.zero, .seconds(2)]))
        #expect(throws: LoadError.self) { try words.model("c") }
    }

    @Test(
        "Wrong words are refused in one line",
        arguments: [
            "", "a@x", "a:rate", "a:rate=x", "a:speed=1", "a:timeout-ms=0", "a:arrivals=odd,rate=1",
        ]
    )
    func wrong(text: String) {
        let error = #expect(throws: LoadError.self) { try LoadWords().model(text) }
        #expect(error?.message.contains("\n") == false)
    }

    @Test("Rate and concurrency exclude each other; shapes may name tensors with colons")
    func more() throws {
        #expect(throws: LoadError.self) { try LoadWords(rate: 1, concurrency: 1).model("a") }
        #expect(throws: LoadError.self) { try LoadWords(arrivals: "uniform").model("a") }
        #expect(throws: LoadError.self) { try LoadWords(arrivals: "trace").model("a") }
        let shape = try LoadWords.shape("input:0:1,3,224,224")
        #expect(shape.name == "input:0" && shape.dims == [1, 3, 224, 224])
        #expect(throws: LoadError.self) { try LoadWords.shape("1,2") }
        #expect(throws: LoadError.self) { try LoadWords.shape("a:1,-2") }
    }

    @Test("A progress line fits its terminal")
    func progress() {
        let progress = LoadProgress(
            elapsed: .seconds(5),
            length: .seconds(10),
            isWarmingUp: false,
            answered: 100,
            succeeded: 90,
            inFlight: 3,
            rate: 20
        )
        #expect(progress.line(width: 80).hasPrefix("[###################...................."))
        #expect(progress.line(width: 80).contains("5/10 s, 20 answers/s, 3 out, 10 errors"))
        for width in 0..<100 { #expect(progress.line(width: width).count <= width) }
    }
}
