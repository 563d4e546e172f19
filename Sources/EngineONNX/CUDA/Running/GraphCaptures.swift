import Logging
import ServerRuntime
import Synchronization

/// Whether a model's sessions on GPUs capture CUDA graphs; once that failed, none does any more.
final class GraphCaptures: Sendable {
    private let on: Atomic<Bool>

    init(isOn: Bool) { on = Atomic(isOn) }

    /// Whether sessions that are made from now on may capture.
    var isOn: Bool { on.load(ordering: .acquiring) }

    /// Gives up, and says why, once.
    func refuse(_ title: String, _ reason: String) {
        guard on.exchange(false, ordering: .acquiringAndReleasing) else { return }
        engineLog.warning("\(title): runs without CUDA graphs from now on: \(reason)")
    }
}
