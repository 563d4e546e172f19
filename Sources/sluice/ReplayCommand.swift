import ArgumentParser
import Foundation
import ServerCore
import ServingDomain

/// Feeds a journal to a fresh core and compares its orders with those of the server.
struct ReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Prove that a fresh core takes the decisions that a journal holds.",
        discussion: "Exit code 0: every decision is the same. 1: one differs, or the journal "
            + "can't be read."
    )

    @Argument(help: "The file that `sluice serve --journal` wrote.")
    var journal: String
    @Option(help: "Write what became of each batch to this file, as CSV.")
    var batches: String?
    @Option(help: "Write what became of each request to this file, as CSV.")
    var requests: String?
    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        guard let data = FileManager.default.contents(atPath: journal) else {
            throw CommandFailure("the journal '\(journal)' can't be read; name a file that exists")
        }
        let bytes = [UInt8](data)
        let header: JournalHeader
        var next: Int
        do throws(JournalError) {
            (header, next) = try Journal.header(of: bytes[...])
        } catch {
            throw CommandFailure(error.message)
        }
        if header.build != Build.version {
            note("written by build \(header.build), replayed by \(Build.version)")
        }
        var replay: Replay
        do throws(ConfigurationError) {
            replay = try Replay(header)
        } catch {
            throw CommandFailure(error.message)
        }
        var listing = try JournalListing(batches: batches, requests: requests)
        var end = "is cut off"
        while next < bytes.count {
            let entry: JournalEntry
            do throws(JournalError) {
                (entry, next) = try Journal.entry(of: bytes[next...])
            } catch {
                note(error.message)
                break
            }
            switch entry {
            case .event(let record):
                if let mismatch = replay.feed(record) { throw differs(mismatch) }
                listing.take(record, replay.buffer)
            case .end(.finished): end = "is whole"
            case .end(.ringFull): end = "ends early: the disk was too slow"
            case .end(.writeFailed): end = "ends early: it could not be written"
            }
        }
        try listing.finish()
        report(replay.events, replay.digest, end)
    }

    private func report(_ events: UInt64, _ digest: UInt64, _ end: String) {
        let digest = String(digest, radix: 16)
        if json {
            print("{\"equal\":true,\"events\":\(events),\"digest\":\"\(digest)\"}")
        } else {
            print("\(events) events replayed, every decision is equal; the journal \(end)")
            print("digest \(digest)")
        }
    }

    private func differs(_ mismatch: Replay.Mismatch) -> CommandFailure {
        let record = mismatch.record
        return CommandFailure(
            "event \(record.sequence) leads to other orders: \(Self.short(record.event)) at "
                + "\(record.now.nanoseconds) ns now gives \(Self.short(mismatch.actions)); replay "
                + "a journal with the version that wrote it"
        )
    }

    /// The beginning of what `value` prints: a question for a plan has thousands of words.
    private static func short(_ value: some Any) -> String {
        let text = "\(value)"
        return text.count > 240 ? text.prefix(240) + "..." : text
    }

    private func note(_ line: String) {
        FileHandle.standardError.write(Data("replay: \(line)\n".utf8))
    }
}
