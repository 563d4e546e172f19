import ServingDomain

/// Steers the two knobs of one lane. Made anew whenever the lane's units or ceilings change.
protocol LaneController: Sendable {
    /// When it wants to decide; asked after every call.
    var due: Instant { get }
    /// Instances that it wants loaded even where fewer may run; 0 = as many as may run.
    var loaded: Int32 { get }
    /// Where it stands.
    var phase: ScalingStatus.Phase { get }

    /// What it hands to the planner while it rests; nil = nothing.
    var settled: SettledLane? { get }

    /// Where to start.
    mutating func begin(at now: Instant, _ facts: LaneFacts) -> LaneSetting

    /// A batch of the lane ended well. O(1).
    mutating func observe(_ batch: EndedBatch, at now: Instant)

    /// The setting from now on. Cost: under 10 us.
    mutating func decide(at now: Instant, _ facts: LaneFacts) -> LaneSetting
}

extension LaneController {
    var loaded: Int32 { 0 }
    var settled: SettledLane? { nil }
}
