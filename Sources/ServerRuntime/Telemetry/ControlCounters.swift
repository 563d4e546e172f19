import ServingDomain
import Synchronization

/// What became of plans, layouts, lanes and devices since the start.
final class ControlCounters: Sendable {
    /// The counts; they only grow, but for `hungInstances`.
    struct Counts: Hashable, Sendable {
        /// Instances that were given up because their engine did not come back.
        var abandonedInstances: UInt64 = 0
        /// Those of them that have not come back.
        var hungInstances: UInt64 = 0
        /// Devices that were lost.
        var devicesLost: UInt64 = 0
        /// Plans that were made, those that the planner could not make, and the time for both.
        var plans: UInt64 = 0
        var plansRefused: UInt64 = 0
        var planning = TimeSpan.zero
        /// How often an instance had to wait for memory, after none had.
        var memoryWaits: UInt64 = 0
        /// Rollouts that ended with a step that failed.
        var rolloutsFailed: UInt64 = 0
    }

    private let counts = Mutex(Counts())

    /// Changes the counts.
    func count(_ body: (inout Counts) -> Void) {
        counts.withLock { body(&$0) }
    }

    /// The counts of one moment.
    var snapshot: Counts { counts.withLock { $0 } }
}
