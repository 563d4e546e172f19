import Logging
import ServerCore
import ServingDomain

final class JournalWriter: Sendable {
    init(
        path: String,
        _ configuration: RuntimeConfiguration,
        logger: Logger
    ) throws(ConfigurationError) {}
    func start() {}
    func finish() {}
    func note(sequence: UInt64, now: Instant, event: Event, orders: borrowing ActionBuffer) {}
}
