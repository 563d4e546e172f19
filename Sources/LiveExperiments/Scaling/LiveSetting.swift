/// What a scaler has set, as a server's statistics show it under a load that never lets up.
struct LiveSetting: Hashable, Sendable {
    /// The batch size that most items went through.
    var batch: Int
    /// Batches that were running at once, on average: time in the engine by time that passed.
    var instances: Double

    /// Reads both from what was counted within `seconds`; nil where nothing ran.
    init?(_ counts: ModelCounts, seconds: Double) {
        let most = counts.sizes.max { $0.items * $0.batches < $1.items * $1.batches }
        guard let most, seconds > 0 else { return nil }
        batch = most.items
        instances = counts.computing / seconds
    }
}
