import Histogram
import ServingDomain

/// What a driver counted.
struct LoadResults: Sendable {
    /// One ledger per model.
    var ledgers: [LoadLedger]
    /// How late requests left, in nanoseconds.
    var lag: Histogram<UInt32>
    /// The length of the measured part.
    var measured: TimeSpan
}
