import Foundation
import Logging
import ServerCore
import ServingDomain
import Synchronization

/// Writes the time stamps of sampled requests in the form of Triton's trace file.
///
/// A request that is not sampled costs one atomic look. The file is a JSON array that grows; it
/// is whole after `finish`. A disk that is full ends the trace, never the serving.
final class TraceWriter: Sendable {
    private struct State {
        var file: FileHandle?
        var failed = false
        var seen: UInt64 = 0
        var written: UInt64 = 0
        /// By model: how many of `trace_count` have been used.
        var used: [String: Int64] = [:]
    }

    private let settings: TraceSettings
    private let logger: Logger
    private let state = Mutex(State())

    init(settings: TraceSettings, logger: Logger) {
        self.settings = settings
        self.logger = logger
    }

    /// Writes the request's time stamps, if it is one of those to be traced.
    func note(_ end: Deeds.End) {
        guard settings.isAnyOn, let times = end.times else { return }
        let name = end.servable.spec.name
        let values = settings.values(model: name)
        guard values.isOn else { return }
        state.withLock { state in
            state.seen += 1
            guard (state.seen - 1) % UInt64(values.rate) == 0, !state.failed else { return }
            if values.count >= 0 {
                guard state.used[name, default: 0] < values.count else { return }
                state.used[name, default: 0] += 1
            }
            let stamps = [
                ("REQUEST_START", end.arrival), ("QUEUE_START", end.arrival),
                ("COMPUTE_START", times.copyInBegan), ("COMPUTE_INPUT_END", times.copyInEnded),
                ("COMPUTE_OUTPUT_START", times.copyOutBegan), ("COMPUTE_END", times.copyOutEnded),
                ("REQUEST_END", MonotonicTime.now()),
            ]
            let list = stamps.map { "{\"name\":\"\($0)\",\"ns\":\($1.nanoseconds)}" }
            let id = state.written + 1
            write(
                "{\"id\":\(id),\"model_name\":\"\(name)\",\"model_version\":"
                    + "\(end.servable.spec.version)},{\"id\":\(id),\"timestamps\":["
                    + list.joined(separator: ",") + "]}",
                to: values.file,
                &state
            )
        }
    }

    /// Closes the array and the file.
    func finish() {
        state.withLock { state in
            try? state.file?.write(contentsOf: Data("]\n".utf8))
            try? state.file?.close()
            state.file = nil
        }
    }

    private func write(_ line: String, to path: String, _ state: inout State) {
        do {
            if state.file == nil {
                guard FileManager.default.createFile(atPath: path, contents: nil) else {
                    throw CocoaError(.fileWriteUnknown)
                }
                state.file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
            }
            try state.file?.write(contentsOf: Data(((state.written == 0 ? "[" : ",") + line).utf8))
            state.written += 1
        } catch {
            state.failed = true
            logger.error("the trace ends: '\(path)' can't be written; serving goes on")
        }
    }
}
