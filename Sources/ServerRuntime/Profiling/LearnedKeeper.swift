import ServerCore
import ServingDomain
import Synchronization

/// Hands over what was learned of co-runners every few minutes and at the end, so that the next
/// start need not learn it anew.
final class LearnedKeeper: Sendable {
    private static let period = TimeSpan.seconds(300)
    private let driver: CoreDriver
    private let knowledge: (any ModelKnowledge)?
    private let devices: [DeviceSpec]
    private let bell = Doorbell()
    private let isOver = Atomic<Bool>(false)

    init(_ driver: CoreDriver, _ configuration: RuntimeConfiguration) {
        self.driver = driver
        knowledge = configuration.knowledge
        devices = configuration.core.devices
    }

    /// Starts the thread, where there is somebody to keep anything.
    func start() {
        guard knowledge != nil else { return }
        SystemThread.start("sluice-keeper", urgency: .background) { [self] in
            while !bell.wait(until: MonotonicTime.now() + Self.period) { keep() }
        }
    }

    /// Ends the thread and keeps what there is. Writes a small file.
    func stop() {
        guard !isOver.exchange(true, ordering: .acquiringAndReleasing) else { return }
        bell.ring()
        keep()
    }

    private func keep() {
        let learned = driver.learnedContention
        if !learned.isEmpty { knowledge?.keep(learned, on: devices) }
    }
}
