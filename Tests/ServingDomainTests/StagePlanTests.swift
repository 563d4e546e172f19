import ServingDomain
import Testing

/// How batches are cut into stages.
@Suite struct StagePlanTests {
    /// All stages of a batch, in order.
    private func stages(_ plan: StagePlan, stride: Int32) -> [Stage] {
        var all = [plan.first(stride: stride)]
        while let next = plan.next(after: all[all.count - 1], stride: stride) { all.append(next) }
        return all
    }

    @Test("Chunks cover the bytes, segments the run, each once, whatever the stride")
    func coverage() {
        let sizes: [Int64] = [1, 2 << 20, (2 << 20) + 1, 39_300_000]
        for bytes in sizes {
            for stride in [Int32(1), 3, 8, .max] {
                let plan = StagePlan(
                    inputBytes: bytes,
                    outputBytes: bytes / 2,
                    segments: 8,
                    copyEngines: 2
                )
                let all = stages(plan, stride: stride)
                var (moved, back): (Int64, Int64) = (0, 0)
                var ran: Int32 = 0
                for stage in all {
                    switch stage {
                    case .copyIn: moved += plan.bytes(of: stage)
                    case .copyOut: back += plan.bytes(of: stage)
                    case .run(let part):
                        #expect(part.lowerBound == ran)
                        ran = part.upperBound
                    case .whole: Issue.record("a batch in stages is not whole")
                    }
                    #expect(plan.isLast(stage) == (stage == all.last))
                }
                #expect(moved == bytes && back == bytes / 2 && ran == 8)
            }
        }
    }

    @Test("Without copy engines nothing moves, and a whole batch has one stage")
    func processor() {
        let plan = StagePlan(inputBytes: 9 << 20, outputBytes: 4, segments: 1, copyEngines: 0)
        #expect(plan.first(stride: 1) == .run(segments: 0..<1))
        #expect(plan.isLast(.run(segments: 0..<1)))
        #expect(plan.isLast(.whole))
        #expect(plan.bytes(of: .whole) == 0)
    }
}
