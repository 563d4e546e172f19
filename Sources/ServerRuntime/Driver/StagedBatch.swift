import ServerCore
public import ServingDomain

/// A batch that runs in several stages, between its first and its last.
struct StagedBatch {
    let batch: BatchID
    /// How it is cut; the core has the same plan.
    let plan: StagePlan
    /// Those that it set out with.
    let passengers: [LaneThread.Passenger]
    /// From the first copy to the last, as far as it has come.
    private(set) var times: StageTimes
    private var hasRun = false
    private var hasCopiedIn = false

    /// A batch that is about to begin its first stage.
    init(
        _ order: LaunchOrder,
        _ passengers: [LaneThread.Passenger],
        _ spec: ModelSpec,
        _ device: DeviceSpec
    ) {
        batch = order.batch
        self.passengers = passengers
        plan = StagePlan(
            inputBytes: spec.inputBytes * Int64(order.items),
            outputBytes: spec.outputBytes * Int64(order.items),
            segments: spec.profile(on: device.kind)?.segments ?? 1,
            copyEngines: device.copyEngines
        )
        times = StageTimes(order.stage, from: .zero, to: .zero)
    }

    /// Takes note that a stage has ended.
    mutating func note(_ stage: Stage, _ stageTimes: StageTimes) {
        switch stage {
        case .copyIn, .whole:
            if !hasCopiedIn { times.copyInBegan = stageTimes.copyInBegan }
            hasCopiedIn = true
            times.copyInEnded = stageTimes.copyInEnded
        case .run:
            if !hasCopiedIn {
                hasCopiedIn = true
                times.copyInBegan = stageTimes.runBegan
                times.copyInEnded = stageTimes.runBegan
            }
            if !hasRun { times.runBegan = stageTimes.runBegan }
            hasRun = true
            times.runEnded = stageTimes.runEnded
            times.copyOutBegan = stageTimes.runEnded
            times.copyOutEnded = stageTimes.runEnded
        case .copyOut: times.copyOutEnded = stageTimes.copyOutEnded
        }
    }
}

extension StageTimes {
    /// The times of one stage that took all the time from `began` to `ended`.
    public init(_ stage: Stage, from began: Instant, to ended: Instant) {
        switch stage {
        case .copyIn:
            self.init(
                copyInBegan: began,
                copyInEnded: ended,
                runBegan: ended,
                runEnded: ended,
                copyOutBegan: ended,
                copyOutEnded: ended
            )
        case .whole, .run:
            self.init(
                copyInBegan: began,
                copyInEnded: began,
                runBegan: began,
                runEnded: ended,
                copyOutBegan: ended,
                copyOutEnded: ended
            )
        case .copyOut:
            self.init(
                copyInBegan: began,
                copyInEnded: began,
                runBegan: began,
                runEnded: began,
                copyOutBegan: began,
                copyOutEnded: ended
            )
        }
    }
}
