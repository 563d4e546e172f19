import Synchronization

/// Sessions of a GPU that no instance uses at the moment, kept for a plan that comes back to the
/// same units: so a new plan switches lanes to sessions that stand instead of building them.
final class IdleSessions: Sendable {
    private struct Idle {
        var tenure: ModelTenure
        var units: [Int32]
        var session: ONNXSession
    }

    private let idle = Mutex<[Idle]>([])
    /// The most that are kept; memory is the real limit, and who runs out of it drops them all.
    private static let limit = 32

    /// A session of a model on the given units, which is the caller's from now on.
    func take(_ tenure: ModelTenure, _ units: [Int32]) -> ONNXSession? {
        idle.withLock { idle in
            guard
                let place = idle.firstIndex(where: { $0.tenure === tenure && $0.units == units })
            else { return nil }
            return idle.remove(at: place).session
        }
    }

    /// Keeps a session, unless its model is unloaded; the one that is idle for longest goes where
    /// there are too many.
    func keep(_ session: ONNXSession, of tenure: ModelTenure, _ units: [Int32]) {
        let spare = idle.withLock { idle -> Idle? in
            // Asked under the lock: who ends a tenure drops its sessions after.
            guard !tenure.isOver, !session.isSpoilt else { return nil }
            idle.append(Idle(tenure: tenure, units: units, session: session))
            return idle.count > Self.limit ? idle.removeFirst() : nil
        }
        withExtendedLifetime(spare) {}
    }

    /// Lets go of all, or of one model's.
    /// - Returns: How many there were.
    @discardableResult
    func drop(of tenure: ModelTenure? = nil) -> Int {
        let gone = idle.withLock { idle -> [Idle] in
            let gone = idle.filter { tenure == nil || $0.tenure === tenure }
            idle.removeAll { tenure == nil || $0.tenure === tenure }
            return gone
        }
        return gone.count
    }

    /// How many are kept.
    var count: Int { idle.withLock { $0.count } }
}

/// How long a model is loaded: instances may outlive it for a moment, and what they give back then
/// is not worth keeping.
final class ModelTenure: Sendable {
    private let over = Atomic<Bool>(false)

    /// Whether the model is unloaded.
    var isOver: Bool { over.load(ordering: .acquiring) }

    /// The model is unloaded.
    func end() { over.store(true, ordering: .releasing) }
}
