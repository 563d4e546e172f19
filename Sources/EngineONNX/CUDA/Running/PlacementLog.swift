import Synchronization

/// Listens to what the library says while a session is made: which operators a provider has no
/// kernel for, and what stands where. Nothing of the interface tells it.
enum PlacementLog {
    private struct State {
        var lines: [String]?
    }

    private static let state = Mutex(State())
    /// One session at a time is listened to.
    private static let turn = Mutex(())
    /// The most lines that are kept.
    private static let limit = 65_536

    /// Does something and gives the lines that the library said meanwhile, other sessions' too.
    static func listening(_ body: () -> Void) -> [String] {
        turn.withLock { _ in
            state.withLock { $0.lines = [] }
            body()
            return state.withLock { state in
                defer { state.lines = nil }
                return state.lines ?? []
            }
        }
    }

    /// Takes a line when somebody listens; false where it is for the log.
    static func takes(_ line: String) -> Bool {
        state.withLock { state in
            guard state.lines != nil else { return false }
            if state.lines?.count ?? 0 < limit { state.lines?.append(line) }
            return true
        }
    }

    /// The operators without a kernel, each once, in the order of the lines.
    static func missing(_ lines: [String]) -> [String] {
        let mark = "kernel not found in registries for Op type: "
        var names: [String] = []
        for line in lines {
            guard let place = line.firstRange(of: mark)?.upperBound else { continue }
            let name = String(line[place...].prefix { $0 != " " && $0 != "\n" })
            if !name.isEmpty, !names.contains(name) { names.append(name) }
        }
        return names
    }
}
