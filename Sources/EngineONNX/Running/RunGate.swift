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
        var options: Options?
        var running = false
        var asked = false
    }

    private let library: ONNXLibrary
    private let shrinkage: String
    private let state = Mutex(State())

    init(library: ONNXLibrary, shrinkage: String) {
        self.library = library
        self.shrinkage = shrinkage
    }

    deinit {
        if let options = state.withLock({ $0.options }) {
            library.calls.release_run_options(options.pointer)
        }
    }

    /// The options for a run that begins now.
    func begin() throws(EngineError) -> OpaquePointer {
        let ready = state.withLock { state -> Options? in
            state.running = state.options != nil
            return state.options
        }
        if let ready { return ready.pointer }
        let fresh = Options(pointer: try makeOptions())
        state.withLock { state in
            state.options = fresh
            state.running = true
        }
        return fresh.pointer
    }

    /// Says that the run ended.
    /// - Returns: Whether its end was asked for.
    func end() -> Bool {
        let (asked, spent) = state.withLock { state -> (Bool, Options?) in
            state.running = false
            guard state.asked else { return (false, nil) }
            let spent = state.options
            state.asked = false
            state.options = nil
            return (true, spent)
        }
        if let spent { library.calls.release_run_options(spent.pointer) }
        return asked
    }

    /// Asks for the end of the present run, if there is one. Any thread may call it.
    func terminate() {
        state.withLock { state in
            guard state.running, !state.asked, let options = state.options else { return }
            state.asked = true
            if let status = library.calls.set_terminate(options.pointer) {
                library.calls.release_status(status)
            }
        }
    }

    private func makeOptions() throws(EngineError) -> OpaquePointer {
        let calls = library.calls
        let options = try library.made("run options") { calls.create_run_options($0) }
        guard !shrinkage.isEmpty else { return options }
        let key = "memory.enable_memory_arena_shrinkage"
        if let complaint = library.take(calls.add_run_entry(options, key, shrinkage)) {
            calls.release_run_options(options)
            throw EngineError(.failed, "parameter '\(key)': \(complaint.text)")
        }
        return options
    }
}
