import ServingDomain
import Simulation
import Testing

/// When faults begin and end.
@Suite struct FaultTests {
    @Test("A fault without a length never ends, one at the end of time neither")
    func ends() {
        let start = Instant.zero + .seconds(3)
        #expect(Fault(.deviceLost(DeviceID(0)), at: start).end == .distantFuture)
        let brief = Fault(.failedLoad(ModelID(0)), at: start, duration: .seconds(2))
        #expect(brief.end == .zero + .seconds(5))
        let late = Fault(.hangingEngine(ModelID(0)), at: .distantFuture, duration: .seconds(2))
        #expect(late.end == .distantFuture)
    }
}
