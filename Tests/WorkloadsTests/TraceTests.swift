import ServingDomain
import Testing
import Workloads

@Suite("Traces")
struct TraceTests {
    private func parse(_ text: String) throws -> Trace {
        try Trace(parsing: Array(text.utf8))
    }

    @Test("Times and models are read, whatever separates them; comments and a heading are skipped")
    func reads() throws {
        let trace = try parse("time,model\n# note\n0.5,a\r\n\n1.25\tb\n2  a\n3\n")
        #expect(trace.models == ["a", "b"])
        #expect(trace.times(of: nil).map(\.inMilliseconds) == [500, 1_250, 2_000, 3_000])
        #expect(trace.times(of: "a").map(\.inMilliseconds) == [500, 2_000])
        #expect(trace.times(of: "c").isEmpty)
        #expect(trace.entries.last?.model == nil)
        #expect(try parse("").entries.isEmpty)
    }

    @Test("Lines out of order are sorted by time, equal times stay as they were")
    func sorts() throws {
        let trace = try parse("2 a\n1 b\n1 c\n0 d")
        #expect(trace.entries.map(\.model) == [3, 1, 2, 0])
    }

    @Test(
        "A wrong line is named",
        arguments: [("0\nx\n", 2), ("1\n-1", 2), ("1\nnan", 2), ("1\n2e9", 2), ("a\nb", 2)]
    )
    func refuses(text: String, line: Int) {
        let error = #expect(throws: TraceError.self) { try parse(text) }
        #expect(error?.line == line)
        #expect(error?.description.hasPrefix("trace line 2: ") == true)
    }
}
