import Foundation
import ServerCore
import ServingDomain

/// What a journal's events and orders say about each batch and each request, as lines of CSV.
///
/// Times are milliseconds from the journal's first event; what did not happen is empty. Memory
/// holds what has not ended yet; lines are written as things end.
struct JournalListing {
    private struct Batch {
        var order: LaunchOrder
        var launched: Instant
        var level: Int32?
        var earliest: Instant?
        var gather: Instant?, run: Instant?, runEnd: Instant?, end: Instant?

        /// Takes note that the stage which was launched last has ended.
        mutating func note(_ times: StageTimes) {
            switch order.stage {
            case .copyIn: gather = gather ?? times.copyInBegan
            case .run:
                run = run ?? times.runBegan
                (runEnd, end) = (times.runEnded, times.runEnded)
            case .copyOut: end = times.copyOutEnded
            case .whole:
                (gather, run) = (times.copyInBegan, times.runBegan)
                (runEnd, end) = (times.runEnded, times.copyOutEnded)
            }
        }
    }

    private let batchFile: ListingFile?
    private let requestFile: ListingFile?
    private var names: [ModelID: String] = [:]
    private var batches: [BatchID: Batch] = [:]
    private var arrivals: [RequestID: Arrival] = [:]
    private var origin: Instant?

    /// - Parameters:
    ///   - batches: The path for batches; nil = none.
    ///   - requests: The path for requests; nil = none.
    init(batches: String?, requests: String?) throws {
        batchFile = try batches.map {
            try ListingFile(
                $0,
                "model,level,items,instance,launched_ms,gather_ms,run_ms,run_end_ms,end_ms,"
                    + "reported_ms,expected_end_ms,earliest_deadline_ms,outcome"
            )
        }
        requestFile = try requests.map {
            try ListingFile($0, "model,level,items,arrived_ms,deadline_ms,ended_ms,outcome,reason")
        }
    }

    /// Takes note of an event and of what the core ordered for it.
    mutating func take(_ record: JournalRecord, _ orders: ActionBuffer) {
        if origin == nil { origin = record.now }
        switch record.event {
        case .modelAdded(let spec): names[spec.id] = spec.name
        case .arrived(let arrival): arrivals[arrival.request] = arrival
        case .stageFinished(let batch, let times): batches[batch]?.note(times)
        case .batchFinished(let batch, let times):
            batches[batch]?.note(times)
            end(batch, "finished", record.now)
        case .batchFailed(let batch): end(batch, "failed", record.now)
        case .batchRefused(let batch): end(batch, "refused", record.now)
        case .cancelled(let request): end(request, "cancelled", "", record.now)
        default: break
        }
        for action in orders.actions { take(action, orders, record.now) }
    }

    /// Writes what is left in memory to the files.
    func finish() throws {
        try batchFile?.flush()
        try requestFile?.flush()
    }

    private mutating func take(_ action: Action, _ orders: ActionBuffer, _ now: Instant) {
        switch action {
        case .launch(let order): launch(order, orders, now)
        case .reply(let request, let outcome): end(request, "\(outcome)", "", now)
        case .timeout(let request): end(request, "\(Outcome.late)", "timeout", now)
        case .drop(let request, let reason): end(request, "\(Outcome.dropped)", "\(reason)", now)
        case .refuse(let request, let why): end(request, "\(Outcome.refused)", "\(why)", now)
        default: break
        }
    }

    private mutating func launch(_ order: LaunchOrder, _ orders: ActionBuffer, _ now: Instant) {
        // A later stage of a batch that is known.
        guard batches[order.batch] == nil else {
            batches[order.batch]?.order.stage = order.stage
            return
        }
        let range = Int(order.requests.lowerBound)..<Int(order.requests.upperBound)
        let members = orders.requests[range].compactMap { arrivals[$0] }
        batches[order.batch] = Batch(
            order: order,
            launched: now,
            level: members.map(\.level).min(),
            earliest: members.compactMap(\.deadline).min()
        )
    }

    private mutating func end(_ id: BatchID, _ outcome: String, _ now: Instant) {
        guard let batch = batches.removeValue(forKey: id) else { return }
        batchFile?.add([
            name(batch.order.model), batch.level.map { "\($0)" } ?? "", "\(batch.order.items)",
            "\(batch.order.instance.index)", told(batch.launched), told(batch.gather),
            told(batch.run), told(batch.runEnd), told(batch.end), told(now),
            told(batch.order.expected), told(batch.earliest), outcome,
        ])
    }

    private mutating func end(
        _ id: RequestID,
        _ outcome: String,
        _ reason: String,
        _ now: Instant
    ) {
        guard let arrival = arrivals.removeValue(forKey: id) else { return }
        requestFile?.add([
            name(arrival.model), "\(arrival.level)", "\(arrival.items)", told(arrival.arrival),
            told(arrival.deadline), told(now), outcome, reason,
        ])
    }

    private func name(_ model: ModelID) -> String { names[model] ?? "model \(model.index)" }

    private func told(_ instant: Instant?) -> String {
        guard let instant, let origin else { return "" }
        return String(format: "%.3f", (instant - origin).inMilliseconds)
    }
}

/// A file of comma-separated lines, written in pieces of a megabyte.
private final class ListingFile {
    private let file: FileHandle
    private let path: String
    private var text = ""
    private var failure: String?

    init(_ path: String, _ head: String) throws {
        guard FileManager.default.createFile(atPath: path, contents: nil),
            let file = FileHandle(forWritingAtPath: path)
        else {
            throw CommandFailure("'\(path)' can't be written; name a file in a folder that exists")
        }
        (self.file, self.path) = (file, path)
        add([head])
    }

    func add(_ cells: [String]) {
        text += cells.joined(separator: ",") + "\n"
        if text.utf8.count > 1 << 20 { write() }
    }

    func flush() throws {
        write()
        if let failure { throw CommandFailure("'\(path)' is incomplete: \(failure)") }
    }

    private func write() {
        do { try file.write(contentsOf: Data(text.utf8)) } catch { failure = "\(error)" }
        text = ""
    }
}
