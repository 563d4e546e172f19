import ServingDomain
import ServingTestKit
import Testing

@testable import Planning

/// A search may be told what it found out before, and must find the same by itself.
@Suite struct SettledDraftTests {
    /// A device with a few seats as a search might try them, right or wrong.
    private func draft(
        _ problem: ConfluenceProblem,
        _ dice: inout SeededGenerator
    ) -> DeviceDraft? {
        var draft = DeviceDraft(group: 0, units: problem.classes[0].units)
        for _ in 0..<(1 + dice.number(in: 0...2)) {
            let units = dice.one(of: PlanningWorld.sizes)
            guard units <= draft.free else { continue }
            var seats: [SeatDraft] = []
            for model in problem.wants.indices where dice.chance(40) {
                guard let offer = problem.offers[0][model], let size = offer.size(for: units)
                else { continue }
                let choice = offer.sizes[size].choices[0]
                seats.append(
                    SeatDraft(
                        model: model,
                        size: size,
                        batch: choice.batch,
                        instances: choice.instances,
                        milliRate: Int64(offer.caps[size] * dice.fraction()),
                        utilization: choice.utilization
                    )
                )
            }
            guard !seats.isEmpty else { continue }
            draft.gpulets.append(GpuletDraft(units: units, seats: seats))
            draft.free -= units
        }
        return draft.gpulets.isEmpty ? nil : draft
    }

    @Test("What is remembered is what a problem that has seen nothing finds", arguments: 0..<20)
    func same(seed: Int) {
        var dice = SeededGenerator(seed: UInt64(seed))
        var world = PlanningWorld.random(&dice, models: 5, devices: 1, load: 0.8)
        world.contention = seed % 2 == 0 ? PlanningWorld.published : .loss(.prior)
        world.devices[0].preemptsLow = seed % 4 < 2
        let known = ConfluenceProblem(world.inputs, of: ConfluencePlanner(), reserve: 1)
        var (settled, impossible) = (0, 0)
        for _ in 0..<60 {
            guard let drawn = draft(known, &dice) else { continue }
            let changed = dice.number(in: 0...(drawn.gpulets.count - 1))
            let maySlow = dice.chance(50)
            let fresh = ConfluenceProblem(world.inputs, of: ConfluencePlanner(), reserve: 1)
            var (first, again, alone) = (drawn, drawn, drawn)
            let isSettled = alone.settle(changed: changed, in: fresh, maySlow: maySlow)
            #expect(first.settle(changed: changed, in: known, maySlow: maySlow) == isSettled)
            #expect(again.settle(changed: changed, in: known, maySlow: maySlow) == isSettled)
            if isSettled {
                #expect(first == alone && again == alone)
                settled += 1
            } else {
                impossible += 1
            }
        }
        // The draws are of both kinds, or the test would show little.
        #expect(settled > 0 && impossible > 0)
    }

    @Test("Where few drafts come again nobody asks any more, and what is kept is bounded")
    func bounded() {
        let few = SettledDrafts()
        for number in 0..<Int32(SettledDrafts.trial) {
            #expect(few.isOfUse)
            let draft = DeviceDraft(group: 0, units: number)
            #expect(few.answer(to: .init(draft: draft, changed: 0, maySlow: false)) == nil)
        }
        #expect(!few.isOfUse)

        let full = SettledDrafts()
        for number in 0...Int32(SettledDrafts.limit) {
            let draft = DeviceDraft(group: 0, units: number)
            full.keep(.impossible, of: .init(draft: draft, changed: 0, maySlow: false))
        }
        let last = DeviceDraft(group: 0, units: Int32(SettledDrafts.limit))
        #expect(full.answer(to: .init(draft: last, changed: 0, maySlow: false)) == nil)
        let kept = DeviceDraft(group: 0, units: Int32(SettledDrafts.limit) - 1)
        #expect(full.answer(to: .init(draft: kept, changed: 0, maySlow: false)) != nil)
        // Another gpulet that changed is another question.
        #expect(full.answer(to: .init(draft: kept, changed: 1, maySlow: false)) == nil)
    }
}
