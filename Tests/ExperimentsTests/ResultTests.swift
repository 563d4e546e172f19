import Experiments
import Testing

/// What decides whether a reproduction stands.
@Suite struct ResultTests {
    @Test("A failing claim is shown, a failing gate is a failure")
    func gates() {
        let claim = ResultCheck("c", kind: .claim, goal: "more", value: 1, holds: false)
        let gate = ResultCheck("g", kind: .gate, goal: "equal", value: nil, holds: true)
        var result = ExperimentResult(experiment: "x", seed: 1, checks: [claim, gate])
        #expect(result.gatesHold)
        result.checks[1].holds = false
        #expect(!result.gatesHold)
    }
}
