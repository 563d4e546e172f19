import ServingDomain

/// The options of the scaler `confluence`.
struct ConfluenceSettings: Hashable, Sendable {
    /// The smallest latency among settings within this part of the peak, in thousandths, is
    /// chosen. 97 % of the peak are to be kept, and 1.5 % are the model's own error.
    var kneeMilli: Int32 = 993
    /// Settings are aimed at this part of the objective, in thousandths.
    var guardMilli: Int32 = 990
    /// How often it looks.
    var period = TimeSpan.milliseconds(500)
    /// The fewest batches that a measured setting rests on.
    var samples = 96
    /// The most settings that are measured before it settles.
    var probes = 9
    /// How often a setting may change before it rests, what comes of watching it included.
    var decisions = 10
    /// Whether requests queue: then a batch and the wait for a place must fit the objective.
    var hasQueueing = true
    /// The time over which a change must pay for the instances that it starts.
    var patience = TimeSpan.seconds(1_200)
}
