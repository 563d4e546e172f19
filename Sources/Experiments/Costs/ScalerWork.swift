public import ServerCore
import ServingDomain

/// Decisions of a scaler, one at a time, for those who measure what they cost.
///
/// One model of the paper in virtual time, always with work waiting. Its objective changes every
/// twenty virtual seconds, so that most decisions end a probe or lay out a search anew.
public struct ScalerWork: ~Copyable {
    private var loop: ClosedLoop
    private let slo: TimeSpan
    private var changes: Int64 = 0

    /// Creates the world of a job, the batch and the instances of which both matter.
    ///
    /// - Throws: What the core says of the scaler's name.
    public init(scaler: String = "confluence:queueing=false") throws(ConfigurationError) {
        let job = P40Job.all.first { $0.number == 15 } ?? P40Job.all[0]
        let world = JobRun.world(P40Device(job, .serialDecode))
        slo = world.slo
        loop = try ClosedLoop(scaler: scaler, world, seed: 1)
    }

    /// Lets time pass until the scaler is to decide. Not part of a decision.
    public mutating func advance() {
        loop.runToWake()
        let turn = loop.now.nanoseconds / 20_000_000_000
        guard turn != changes else { return }
        changes = turn
        loop.setObjective(turn % 2 == 0 ? slo : TimeSpan(nanoseconds: slo.nanoseconds / 10 * 17))
    }

    /// The event that makes the scaler decide, as a driver would tell the core.
    public mutating func decide() { loop.wake() }

    /// Settings that were taken so far.
    public var moves: Int { loop.ledger.moves.count }
}
