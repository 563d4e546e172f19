import CONNXRuntime
import ServerRuntime
import Synchronization

/// Lets any thread end the present run of one instance.
///
/// The library's terminate flag belongs to run options. They are kept from run to run while
/// nobody raised the flag, and replaced after: a flag is never lowered, so a late `terminate`
/// can't reach the next run, and the lock keeps it from options that were released.
final class RunGate: Sendable {
    private struct Options: @unchecked Sendable {
        // Safe: the library's flag may be raised by any thread while the options live, and the
        // gate's lock keeps them alive.
        let pointer: OpaquePointer
    }

    private struct State {
        /// By the CUDA graph that they name; `none` for none.
        var options: [Int32: Options] = [:]
        var running: Int32?
        var asked = false
    }

    private static let none = Int32.min

    private let library: ONNXLibrary
    private let shrinkage: String
    private let state = Mutex(State())

    init(library: ONNXLibrary, shrinkage: String) {
        self.library = library
        self.shrinkage = shrinkage
    }

    deinit {
        for options in state.withLock({ Array($0.options.values) }) {
            library.calls.release_run_options(options.pointer)
        }
    }

    /// The options for a run that begins now.
    ///
    /// - Parameter graph: The number of the CUDA graph to capture or replay, -1 for a plain run;
    ///   nil on sessions that know nothing of graphs.
    func begin(graph: Int32? = nil) throws(EngineError) -> OpaquePointer {
        let key = graph ?? Self.none
        let ready = state.withLock { state -> Options? in
            let ready = state.options[key]
            state.running = ready == nil ? nil : key
            return ready
        }
        if let ready { return ready.pointer }
        let fresh = Options(pointer: try makeOptions(graph))
        let spent = state.withLock { state -> [Options] in
            var spent: [Options] = []
            if state.options.count >= Self.limit {
                spent = Array(state.options.values)
                state.options.removeAll()
            }
            state.options[key] = fresh
            state.running = key
            return spent
        }
        for options in spent { library.calls.release_run_options(options.pointer) }
        return fresh.pointer
    }

    /// The most options that are kept; all go when there are more, since graphs that are captured
    /// anew have new numbers.
    private static let limit = 256

    /// Says that the run ended.
    /// - Returns: Whether its end was asked for.
    func end() -> Bool {
        let (asked, spent) = state.withLock { state -> (Bool, Options?) in
            let key = state.running ?? Self.none
            state.running = nil
            guard state.asked else { return (false, nil) }
            state.asked = false
            return (true, state.options.removeValue(forKey: key))
        }
        if let spent { library.calls.release_run_options(spent.pointer) }
        return asked
    }

    /// Asks for the end of the present run, if there is one. Any thread may call it.
    func terminate() {
        state.withLock { state in
            guard let key = state.running, !state.asked, let options = state.options[key] else {
                return
            }
            state.asked = true
            if let status = library.calls.set_terminate(options.pointer) {
                library.calls.release_status(status)
            }
        }
    }

    private func makeOptions(_ graph: Int32?) throws(EngineError) -> OpaquePointer {
        let calls = library.calls
        let options = try library.made("run options") { calls.create_run_options($0) }
        var entries: [(key: String, value: String)] = []
        if !shrinkage.isEmpty {
            entries.append(("memory.enable_memory_arena_shrinkage", shrinkage))
        }
        if let graph { entries.append(("gpu_graph_id", String(graph))) }
        for (key, value) in entries {
            guard let complaint = library.take(calls.add_run_entry(options, key, value)) else {
                continue
            }
            calls.release_run_options(options)
            throw EngineError(.failed, "parameter '\(key)': \(complaint.text)")
        }
        return options
    }
}
