import ServingDomain
import Testing

/// Graphs of models: which are sound, and what is left behind each stage.
@Suite struct GraphTests {
    @Test("The rest behind a stage is the longest way")
    func rest() throws {
        let (a, b) = (ModelID(0), ModelID(1))
        let graph = try #require(
            Graph(
                name: "traffic",
                slo: .milliseconds(200),
                stages: [.init(model: a), .init(model: b, after: [0]), .init(model: a, after: [0])]
            )
        )
        let rest = graph.rest(
            expected: [.milliseconds(10), .milliseconds(30), .milliseconds(20)]
        )
        #expect(rest == [.milliseconds(30), .zero, .zero])
        #expect(graph.isReady(0, done: 0))
        #expect(!graph.isReady(2, done: 0))
        #expect(graph.isReady(2, done: 1))
    }

    @Test("A graph that can't be walked is none")
    func unsound() {
        let loop = Graph.Stage(model: ModelID(0), after: [0])
        #expect(Graph(name: "loop", slo: nil, stages: [loop]) == nil)
        #expect(Graph(name: "empty", slo: nil, stages: []) == nil)
        let early = Graph.Stage(model: ModelID(0), after: [-1])
        #expect(Graph(name: "early", slo: nil, stages: [loop, early]) == nil)
    }
}
