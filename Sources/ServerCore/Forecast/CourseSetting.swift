/// What holds for all batches of a device while their course is followed.
package struct CourseSetting: Sendable {
    /// What co-runners cost each class.
    package var high: Features, low: Features
    /// The least rate of progress beside one other, by class; below that of a full division.
    package var isNovice = true
    /// What copies take.
    package var copy: CopyEstimate
    /// What copies beside other devices of the same link.
    package var rivals = Rivals()
    /// Whether co-runners cost anything, and whether copies wait for each other.
    package var hasInterference = true, hasTransfers = true
    /// Whether runs of class high go on as if no low ones were there.
    package var preemptsLow = false
    /// What is expected to run in slots that are free: per slot, its pressure and how much of the
    /// time, and how many slots there are.
    package var ambient = Pressure.none
    package var ambientPart = 0.0
    package var slots = 0.0
    /// Who knows how fast everything really runs; nil outside of simulations.
    package var truth: (any ForecastTruth)?

    /// A device without copy engines and without contention.
    package init(high: Features, low: Features, copy: CopyEstimate) {
        self.high = high
        self.low = low
        self.copy = copy
    }

    /// How many steps a course may take; more than any set of flights needs.
    static let stepLimit = 256

    /// Copies of other devices on the same link, per direction.
    package struct Rivals: Sendable {
        /// How many devices copy, and what each wants.
        package var inward = 0.0, outward = 0.0, rate = 0.0
        /// The bytes that they have left.
        package var bytesIn = 0.0, bytesOut = 0.0

        /// Lets `step` nanoseconds pass.
        mutating func pass(_ step: Double) {
            bytesIn -= step * inward * rate
            bytesOut -= step * outward * rate
            if bytesIn <= 1 { inward = 0 }
            if bytesOut <= 1 { outward = 0 }
        }
    }
}
