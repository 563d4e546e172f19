import Synchronization

/// Lets any thread ask a running load to end early.
final class StopSwitch: Sendable {
    private let pressed = Atomic<Bool>(false)

    /// Whether somebody asked.
    var isPressed: Bool { pressed.load(ordering: .relaxed) }

    /// Asks; the driver looks every tenth of a second.
    func press() { pressed.store(true, ordering: .relaxed) }
}
