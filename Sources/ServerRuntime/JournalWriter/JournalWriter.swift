import Foundation
import Logging
import ServerCore
import ServingDomain
import Synchronization

/// Keeps the journal: events are noted under the core's lock, a thread of its own writes them.
///
/// Two buffers of fixed size change places: one is filled while the other is written, so noting
/// an event neither allocates nor waits for the disk. Where the disk is too slow or full, the
/// journal ends with a mark and a log line; serving goes on.
final class JournalWriter: Sendable {
    /// What each buffer holds: at 40 bytes an event, 100,000 events between two writes.
    static let bufferSize = 4 << 20
    /// How long an event may wait in memory.
    static let period = TimeSpan.milliseconds(50)

    private struct State {
        var filling: [UInt8] = []
        /// Set once: nothing is noted any more.
        var end: JournalEnd?
        var isClosed = false
    }

    private let path: String
    private let file: FileHandle
    private let logger: Logger
    private let state = Mutex(State())
    private let bell = Doorbell()
    private let closed = Doorbell()

    init(
        path: String,
        _ configuration: RuntimeConfiguration,
        logger: Logger
    ) throws(ConfigurationError) {
        self.path = path
        self.logger = logger
        let exists = FileManager.default.fileExists(atPath: path)
        guard exists || FileManager.default.createFile(atPath: path, contents: nil),
            let file = try? FileHandle(forWritingTo: URL(fileURLWithPath: path))
        else {
            throw ConfigurationError(
                "the journal '\(path)' can't be written; name a file in a folder that exists and "
                    + "that this user may write to"
            )
        }
        try? file.truncate(atOffset: 0)
        self.file = file
        let header = JournalHeader(build: configuration.build, configuration: configuration.core)
        state.withLock { state in
            state.filling.reserveCapacity(Self.bufferSize)
            Journal.write(header, to: &state.filling)
        }
    }

    /// Starts the thread.
    func start() {
        SystemThread.start("sluice-journal") { [self] in
            var spare: [UInt8] = []
            spare.reserveCapacity(Self.bufferSize)
            var mayWrite = true
            while true {
                _ = bell.wait(until: MonotonicTime.now() + Self.period)
                let isLast = state.withLock { state in
                    swap(&state.filling, &spare)
                    return state.isClosed
                }
                if mayWrite { mayWrite = write(spare) }
                spare.removeAll(keepingCapacity: true)
                if isLast { break }
            }
            try? file.close()
            closed.ring()
        }
    }

    /// Notes one event and what the core ordered; called under the core's lock.
    func note(sequence: UInt64, now: Instant, event: Event, orders: borrowing ActionBuffer) {
        let hash = OrderHash.of(orders)
        state.withLock { state in
            guard state.end == nil else { return }
            let fits = Journal.write(
                sequence: sequence,
                now: now,
                event: event,
                orders: hash,
                to: &state.filling,
                // Room for the mark of the end is kept.
                limit: Self.bufferSize - 64
            )
            if !fits {
                state.end = .ringFull
                Journal.write(.ringFull, to: &state.filling)
            }
        }
    }

    /// Writes the end mark, closes the file and ends the thread.
    func finish() {
        state.withLock { state in
            if state.end == nil {
                state.end = .finished
                Journal.write(.finished, to: &state.filling)
            }
            state.isClosed = true
        }
        bell.ring()
        closed.wait()
    }

    private func write(_ bytes: [UInt8]) -> Bool {
        guard !bytes.isEmpty else { return true }
        let wasFull = state.withLock { $0.end == .ringFull }
        do {
            try file.write(contentsOf: bytes)
            if wasFull {
                logger.error("the journal '\(path)' ends: the disk is too slow; serving goes on")
            }
            return !wasFull
        } catch {
            state.withLock { $0.end = .writeFailed }
            let why = error.localizedDescription
            logger.error("the journal '\(path)' ends: \(why); serving goes on")
            return false
        }
    }
}
