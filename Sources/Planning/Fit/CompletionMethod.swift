import RealModule

/// How the settings of a network that were not probed are estimated from those that were.
package enum CompletionMethod: Hashable, Sendable {
    /// The published estimator: smallest nuclear norm (DNNScaler, section 4 of the notes).
    case nuclearNorm
    /// A matrix of rank 2; `isScaled` divides every row by its last probed cell before.
    case rankTwo(isScaled: Bool)
    /// No library at all: constant until the device is full, then proportional to the setting.
    case hinge
    /// Per setting a ridge regression of the logarithm on the logarithms of the probes.
    case ridge
    /// The mean of the `count` library rows whose probes have the most similar ratio.
    case nearest(count: Int)

    /// Estimates every setting of a network from its probes.
    ///
    /// - Parameters:
    ///   - probes: Milliseconds, one per setting of `library`; nil = wanted. Two at least for
    ///     everything but `hinge`, which takes one.
    ///   - library: What other networks take; empty for `hinge`.
    /// - Returns: Milliseconds, probed cells as they are, all above 0.
    /// - Throws: One line when there are too few probes or usable library rows.
    package func estimate(
        _ probes: [Double?],
        from library: LatencyLibrary
    ) throws(FitError) -> [Double] {
        guard probes.count == library.settings.count else {
            throw FitError(
                "\(probes.count) probes do not fit \(library.settings.count) settings; "
                    + "give one cell per setting."
            )
        }
        let seen = probes.indices.filter { probes[$0] != nil }
        for place in seen {
            guard let value = probes[place], value.isFinite, value > 0 else {
                throw FitError(
                    "The probe at setting \(library.settings[place]) is not a latency above 0; "
                        + "probe it again."
                )
            }
        }
        let fallBack = try ProbeEstimates.hinge(probes, settings: library.settings)
        guard self != .hinge else { return fallBack }
        guard seen.count >= 2 else {
            throw FitError("\(seen.count) settings were probed, 2 are needed; probe another one.")
        }
        let raw = try shape(probes, seen, library)
        return probes.indices.map { place in
            if let probe = probes[place] { return probe }
            // A latency that a fit makes negative says nothing; the hinge always says something.
            return raw[place].isFinite && raw[place] > 0 ? raw[place] : fallBack[place]
        }
    }

    private func shape(
        _ probes: [Double?],
        _ seen: [Int],
        _ library: LatencyLibrary
    ) throws(FitError) -> [Double] {
        let rows = library.rows.map(\.latencies)
        switch self {
        case .hinge: return try ProbeEstimates.hinge(probes, settings: library.settings)
        case .ridge: return try ProbeEstimates.ridge(probes, seen, rows)
        case .nearest(let count): return try ProbeEstimates.nearest(probes, seen, rows, count)
        case .nuclearNorm:
            guard !rows.isEmpty else { throw Self.emptyLibrary }
            return NuclearNormCompletion().complete(PartialMatrix(rows + [probes])).row(rows.count)
        case .rankTwo(let isScaled):
            let partial = PartialMatrix(rows + [probes])
            let last = seen[seen.count - 1]
            let factors = (0..<partial.rows).map { row in
                isScaled && partial.isKnown(row, last) ? 1 / partial.cells[row, last] : 1
            }
            guard let filled = AlternatingLeastSquares().complete(partial.scaled(by: factors))
            else {
                throw FitError(
                    "The library has fewer than 2 complete rows; profile more networks or use "
                        + "the hinge."
                )
            }
            return filled.row(rows.count).map { $0 / factors[rows.count] }
        }
    }

    static let emptyLibrary = FitError(
        "The library has no usable row; profile networks or use the hinge."
    )
}
