import Documents
import Foundation
import ServingDomain

/// What each batch of a live run took in the engine, as the server's journal tells.
struct BatchTimes: Hashable, Sendable {
    /// One batch.
    struct Batch: Hashable, Sendable {
        /// Its items.
        var items: Int32
        /// From the begin of the run to its end, in milliseconds.
        var ms: Double
    }

    /// The batches of each model, in order.
    private(set) var batches: [String: [Batch]] = [:]

    /// Reads the table that `sluice replay --batches` writes.
    ///
    /// - Throws: `LiveError` where columns are missing.
    init(csv: String) throws(LiveError) {
        var lines = csv.split(separator: "\n").map {
            $0.split(separator: ",", omittingEmptySubsequences: false)
        }
        let names = lines.isEmpty ? [] : lines.removeFirst()
        let wanted = ["model", "items", "run_ms", "run_end_ms", "outcome"]
        let places = wanted.compactMap { name in names.firstIndex { $0 == name } }
        guard places.count == wanted.count else {
            throw LiveError("the table of batches lacks one of \(wanted.joined(separator: ", "))")
        }
        for line in lines where line.count == names.count && line[places[4]] == "finished" {
            guard let items = Int32(line[places[1]]), let begin = Double(line[places[2]]),
                let end = Double(line[places[3]]), end > begin
            else { continue }
            let batch = Batch(items: items, ms: end - begin)
            batches[String(line[places[0]]), default: []].append(batch)
        }
    }

    /// The standard deviation of the logarithm of a model's times, each held against what the
    /// profile says of its size; nil with fewer than ten batches.
    func spread(of profile: Profile) -> Double? {
        guard let surface = profile.surfaceOnOneCore else { return nil }
        let logs = (batches[profile.model] ?? []).compactMap { batch in
            surface.latency(batch: batch.items, units: 1).map { log(batch.ms / $0.inMilliseconds) }
        }
        guard logs.count >= 10 else { return nil }
        let mean = logs.reduce(0, +) / Double(logs.count)
        let squares = logs.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        return (squares / Double(logs.count - 1)).squareRoot()
    }
}

extension LiveBench {
    /// Has a journal replayed, and reads its batches.
    ///
    /// - Throws: `LiveError` with the command's last words.
    func batches(of journal: String) async throws -> BatchTimes {
        let table = journal + ".batches.csv"
        let process = try ChildProcess(
            options.executable,
            ["replay", journal, "--batches", table],
            folder: place.path
        )
        do {
            try await process.finish(within: 60, "reading the journal")
        } catch {
            await process.end()
            throw error
        }
        guard let csv = try? String(contentsOfFile: table, encoding: .utf8) else {
            throw LiveError("sluice replay wrote no table of batches")
        }
        return try BatchTimes(csv: csv)
    }
}
