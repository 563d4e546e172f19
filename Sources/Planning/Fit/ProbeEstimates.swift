import RealModule

/// The estimators that need little or no library.
enum ProbeEstimates {
    /// max(first probe, setting x last probe / its setting): once a device is saturated, k
    /// instances that take turns need k times the device time of one (notes, section 4.1).
    static func hinge(
        _ probes: [Double?],
        settings: [Int32]
    ) throws(FitError) -> [Double] {
        let seen = probes.indices.filter { probes[$0] != nil }
        guard let first = seen.first, let last = seen.last, let low = probes[first],
            let high = probes[last]
        else { throw FitError("No setting was probed; probe at least one.") }
        let slope = high / Double(settings[last])
        return probes.indices.map { place in
            if let probe = probes[place] { return probe }
            return last == first ? low : max(low, Double(settings[place]) * slope)
        }
    }

    /// Per column: log latency as a linear function of the logs of the probes.
    static func ridge(
        _ probes: [Double?],
        _ seen: [Int],
        _ rows: [[Double?]]
    ) throws(FitError) -> [Double] {
        let usable = rows.filter { row in seen.allSatisfy { row[$0] != nil } }
        guard usable.count >= 2 else { throw CompletionMethod.emptyLibrary }
        let target = seen.map { Double.log(probes[$0] ?? 1) }
        return probes.indices.map { column in
            if let probe = probes[column] { return probe }
            let known = usable.filter { $0[column] != nil }
            guard known.count >= 2 else { return .nan }
            let features = known.map { row in seen.map { Double.log(row[$0] ?? 1) } + [1] }
            let answers = known.map { Double.log($0[column] ?? 1) }
            let weights = LeastSquares.solve(
                DenseMatrix(features),
                answers,
                ridge: 1e-3,
                freeFrom: seen.count
            )
            let sum = zip(weights, target + [1]).reduce(0) { $0 + $1.0 * $1.1 }
            return .exp(sum)
        }
    }

    /// The mean shape, relative to the last probe, of the rows with the most similar ratio of
    /// last to first probe.
    static func nearest(
        _ probes: [Double?],
        _ seen: [Int],
        _ rows: [[Double?]],
        _ count: Int
    ) throws(FitError) -> [Double] {
        let (first, last) = (seen[0], seen[seen.count - 1])
        guard let low = probes[first], let high = probes[last] else { return [] }
        let ratio = Double.log(high / low)
        var ranked: [(distance: Double, place: Int)] = []
        for (place, row) in rows.enumerated() {
            guard let below = row[first], let above = row[last] else { continue }
            ranked.append(((Double.log(above / below) - ratio).magnitude, place))
        }
        ranked.sort { ($0.distance, $0.place) < ($1.distance, $1.place) }
        let chosen = ranked.prefix(max(1, count)).map { rows[$0.place] }
        guard !chosen.isEmpty else { throw CompletionMethod.emptyLibrary }
        return probes.indices.map { column in
            let shapes = chosen.compactMap { row -> Double? in
                guard let cell = row[column], let above = row[last] else { return nil }
                return cell / above
            }
            return shapes.isEmpty ? .nan : high * shapes.reduce(0, +) / Double(shapes.count)
        }
    }
}
