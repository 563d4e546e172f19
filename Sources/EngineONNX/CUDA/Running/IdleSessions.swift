import Synchronization

/// Sessions of a GPU that no instance uses at the moment, kept for a plan that comes back to the
/// same units: so a new plan switches lanes to sessions that stand instead of building them.
final class IdleSessions: Sendable {
    private struct Idle {
        var model: ObjectIdentifier
        var units: [Int32]
        var session: ONNXSession
    }

    private let idle = Mutex<[Idle]>([])
    /// The most that are kept; memory is the real limit, and who runs out of it drops them all.
    private static let limit = 32

    /// A session of a model on the given units, which is the caller's from now on.
    func take(_ model: ModelWeights, _ units: [Int32]) -> ONNXSession? {
        idle.withLock { idle in
            let id = ObjectIdentifier(model)
            guard let place = idle.firstIndex(where: { $0.model == id && $0.units == units })
            else { return nil }
            return idle.remove(at: place).session
        }
    }

    /// Keeps a session; the one that is idle for longest goes where there are too many.
    func keep(_ session: ONNXSession, of model: ModelWeights, _ units: [Int32]) {
        let spare = idle.withLock { idle -> Idle? in
            idle.append(Idle(model: ObjectIdentifier(model), units: units, session: session))
            return idle.count > Self.limit ? idle.removeFirst() : nil
        }
        withExtendedLifetime(spare) {}
    }

    /// Lets go of all, or of one model's.
    /// - Returns: How many there were.
    @discardableResult
    func drop(of model: ModelWeights? = nil) -> Int {
        let gone = idle.withLock { idle -> [Idle] in
            let id = model.map { ObjectIdentifier($0) }
            let gone = idle.filter { id == nil || $0.model == id }
            idle.removeAll { id == nil || $0.model == id }
            return gone
        }
        return gone.count
    }

    /// How many are kept.
    var count: Int { idle.withLock { $0.count } }
}
