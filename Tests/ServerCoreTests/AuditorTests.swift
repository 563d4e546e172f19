import ServerCore
import ServingDomain
import ServingTestKit
import Testing

/// The canary: an auditor that never complains proves nothing, so it is given cause to.
@Suite struct AuditorTests {
    private let request = RequestID(slot: 0, generation: 0)

    private func complaints(_ facts: [(Event, [Action])]) throws -> [String] {
        let core = try ServerCore(CoreConfiguration(devices: [.sample()], limits: .small))
        var auditor = Auditor()
        for (event, orders) in facts {
            var buffer = ActionBuffer()
            for order in orders { buffer.append(order) }
            auditor.look(at: event, .zero, buffer, core)
        }
        return auditor.complaints
    }

    private var arrival: Event {
        .arrived(Arrival(request: request, model: ModelID(0), arrival: .zero))
    }

    @Test("A request that ends once is fine, one that ends twice is not")
    func twice() throws {
        let end = Action.reply(request, .served)
        #expect(try complaints([(arrival, [end])]) == [])
        let twice = try complaints([(arrival, [end]), (.wake, [.drop(request, .expired)])])
        #expect(twice == ["at 0 ns: request 0 ends again"])
    }

    @Test("A request that arrives twice, or that is lost, is noticed")
    func lost() throws {
        let found = try complaints([(arrival, []), (arrival, [])])
        #expect(found.contains("at 0 ns: arrives twice"))
        #expect(found.contains("at 0 ns: 0 inside, 1 outside"))
    }
}
