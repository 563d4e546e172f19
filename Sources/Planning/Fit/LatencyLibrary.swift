/// Latencies of networks that were profiled at every setting of one knob on one kind of device:
/// what a new network's few probes are completed from.
package struct LatencyLibrary: Hashable, Sendable {
    /// One network.
    package struct Row: Hashable, Sendable {
        /// The network, with its data set where that matters.
        package var name: String
        /// The kind of device it was measured on.
        package var device: String
        /// Milliseconds, one per setting; nil = not measured.
        package var latencies: [Double?]

        /// Creates a row.
        package init(name: String, device: String, latencies: [Double?]) {
            self.name = name
            self.device = device
            self.latencies = latencies
        }
    }

    /// The kind of device.
    package let device: String
    /// The settings that the columns stand for, ascending, such as 1...10 instances.
    package let settings: [Int32]
    /// The rows that can be used.
    package let rows: [Row]
    /// One line for every row that was left out.
    package let complaints: [String]

    /// Keeps those of `rows` that fit; says why others do not. Rows may have holes, but need two
    /// measured cells to say anything about a shape.
    package init(device: String, settings: [Int32], rows: [Row]) {
        precondition(zip(settings, settings.dropFirst()).allSatisfy { $0 < $1 })
        self.device = device
        self.settings = settings
        var kept: [Row] = []
        var complaints: [String] = []
        for row in rows {
            if let complaint = Self.complaint(about: row, device, settings.count) {
                complaints.append(complaint)
            } else {
                kept.append(row)
            }
        }
        self.rows = kept
        self.complaints = complaints
    }

    private static func complaint(
        about row: Row,
        _ device: String,
        _ columns: Int
    ) -> String? {
        let name = "Library row '\(row.name)'"
        if row.device != device {
            return "\(name) was measured on '\(row.device)', not on '\(device)'; profile it there."
        }
        if row.latencies.count != columns {
            return "\(name) has \(row.latencies.count) cells, the library has \(columns) settings; "
                + "profile it again."
        }
        for (place, latency) in row.latencies.enumerated() {
            guard let latency, !(latency.isFinite && latency > 0) else { continue }
            return "\(name) says \(latency) ms at place \(place); a latency is a number above 0; "
                + "profile it again."
        }
        let measured = row.latencies.count { $0 != nil }
        if measured < 2 {
            return "\(name) has \(measured) measured cells, 2 are needed; profile more settings."
        }
        return nil
    }

    /// The same library without the row at `place`.
    package func without(_ place: Int) -> LatencyLibrary {
        var rest = rows
        rest.remove(at: place)
        return LatencyLibrary(device: device, settings: settings, rows: rest)
    }
}
