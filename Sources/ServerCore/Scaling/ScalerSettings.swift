import ServingDomain

/// The options that the published scalers take.
struct ScalerSettings: Hashable, Sendable {
    /// As released by the authors, quirks included, instead of as the paper means it.
    var released = false
    /// Which knob: `auto` lets the profiler choose.
    var approach = Approach.auto
    /// The batch and the level that the profiler tries (paper, section 3; 32 and 8).
    var batchProbe: Int32 = 32
    var levelProbe: Int32 = 8
    /// A batch decision and a tenancy decision every so often (released: 3 s and 1 s).
    var period = TimeSpan.seconds(3)
    var poll = TimeSpan.seconds(1)
    /// The fewest batches a decision rests on (not as released).
    var samples = 40
    /// Latencies that the released tenancy controller averages (100; 5 for DeePVS).
    var window = 100
    /// What it waits per instance at the start and after an addition, after an addition and
    /// after a removal (1 to 15 s, 5 to 25 s, 5 to 20 s).
    var bias = TimeSpan.seconds(3)
    var addWait = TimeSpan.seconds(5)
    var removeWait = TimeSpan.seconds(5)
    /// Whether one slot of that window is never written, as released.
    var hasZeroSlot = true

    enum Approach: String, CaseIterable, Sendable { case auto, batching, tenancy }

    /// The band below the objective in which both rest: 0.85 of it (released code).
    static let bandMilli: Int64 = 850
}

extension TimeSpan {
    /// A part of it in thousandths.
    func milli(_ parts: Int64) -> TimeSpan {
        TimeSpan(nanoseconds: nanoseconds / 1_000 * parts + nanoseconds % 1_000 * parts / 1_000)
    }
}
