import ServerCore
import ServingDomain
import Synchronization

/// Orders and reports that take time, carried out one after the other by one thread.
final class ControlQueue: Sendable {
    /// One thing to do.
    enum Item: Sendable {
        /// An order of the core.
        case order(ControlOrder)
        /// A lane has come to its end.
        case ended(InstanceID, ModelID, InstanceEnd)
        /// A model was removed; what it still had ordered has been carried out by now.
        case retired(ModelID)
        /// The thread is to end.
        case stop
    }

    private let items = Mutex<[Item]>([])
    private let bell = Doorbell()

    /// Starts the thread.
    func start(_ carryOut: @escaping @Sendable (Item) -> Void) {
        SystemThread.start("sluice-control") { [self] in
            while true {
                bell.wait()
                let due = items.withLock { items in
                    defer { items.removeAll() }
                    return items
                }
                for item in due {
                    if case .stop = item { return }
                    carryOut(item)
                }
            }
        }
    }

    /// Adds a thing to do.
    func add(_ item: Item) {
        items.withLock { $0.append(item) }
        bell.ring()
    }

    /// Ends the thread after what is there already.
    func stop() {
        add(.stop)
    }
}
