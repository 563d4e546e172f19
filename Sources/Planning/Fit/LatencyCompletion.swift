/// Completed latencies of one network, with how far each is to be trusted.
package struct LatencyCompletion: Hashable, Sendable {
    /// One setting.
    package struct Cell: Hashable, Sendable {
        /// Milliseconds.
        package var latency: Double
        /// The expected relative error, one standard deviation; 0 where it was probed.
        package var spread: Double
    }

    /// The method that was used.
    package let method: CompletionMethod
    /// One cell per setting of the library.
    package let cells: [Cell]

    /// Completes `probes` by the first of the methods that can: the preferred one, else the
    /// hinge. The spread is that of the method's leave-one-out errors on the library.
    ///
    /// - Throws: One line when nothing was probed, or a probe is no latency.
    /// Cost: as many completions as there are library rows, plus one.
    package init(
        _ probes: [Double?],
        from library: LatencyLibrary,
        preferring preferred: CompletionMethod = .rankTwo(isScaled: true)
    ) throws(FitError) {
        let seen = probes.indices.filter { probes[$0] != nil }
        do throws(FitError) {
            let latencies = try preferred.estimate(probes, from: library)
            let check = try? LeaveOneOut(preferred, on: library, probes: seen)
            self.init(preferred, probes, latencies, check)
        } catch {
            let latencies = try CompletionMethod.hinge.estimate(probes, from: library)
            let check = try? LeaveOneOut(.hinge, on: library, probes: seen)
            self.init(.hinge, probes, latencies, check)
        }
    }

    /// What nothing is known about may be wrong by half.
    private static let unknownSpread = 0.5

    private init(
        _ method: CompletionMethod,
        _ probes: [Double?],
        _ latencies: [Double],
        _ check: LeaveOneOut?
    ) {
        self.method = method
        cells = latencies.indices.map { column in
            let spread = probes[column] != nil ? 0 : check?.spread(column: column)
            return Cell(latency: latencies[column], spread: spread ?? Self.unknownSpread)
        }
    }
}
