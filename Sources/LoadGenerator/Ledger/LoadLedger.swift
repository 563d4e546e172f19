import Histogram
import ServingDomain

/// What has become of one model's requests.
struct LoadLedger: Sendable {
    /// The longest latency that is told apart, in nanoseconds; longer ones count as this.
    static let longest: UInt64 = 3_600_000_000_000
    /// How many kinds of errors are told apart.
    static let kindLimit = 32

    /// An error that came at least once.
    struct Failure: Hashable, Sendable {
        var kind: String
        var count: Int
        /// What the first of its kind said.
        var first: String
    }

    /// Requests that were sent, or waited to be sent.
    private(set) var submitted = 0
    /// Requests that were not sent since too many were out.
    private(set) var notSent = 0
    /// Ends by outcome, in the order of `Outcome.allCases`.
    private var ends = Array(repeating: 0, count: Outcome.allCases.count)
    /// Latency in nanoseconds from the intended send time; see `end`.
    private(set) var latency = Histogram<UInt32>(
        lowestDiscernibleValue: 1,
        highestTrackableValue: longest,
        numberOfSignificantValueDigits: .three
    )
    private(set) var failures: [Failure] = []

    /// How many requests ended in a way.
    func count(_ outcome: Outcome) -> Int { ends[Int(outcome.rawValue)] }

    /// How many requests ended.
    var ended: Int { ends.reduce(0, +) }

    mutating func submit() { submitted += 1 }

    mutating func skip() { notSent += 1 }

    /// Counts an end.
    ///
    /// Latencies are those of answers with a result, and of requests that never got an answer, up
    /// to where the wait ended: to leave the slowest out would flatter the server.
    mutating func end(_ reply: Reply, after span: TimeSpan, objective: TimeSpan?) {
        var outcome = reply.outcome
        if outcome == .served, let objective, span > objective { outcome = .late }
        ends[Int(outcome.rawValue)] += 1
        if reply.outcome == .served || reply.outcome == .late || reply.code == .lost {
            latency.record(min(UInt64(max(0, span.nanoseconds)), Self.longest))
        }
        if reply.outcome != .served, reply.outcome != .late { note(reply) }
    }

    /// Adds what another model's ledger holds.
    mutating func merge(_ other: LoadLedger) {
        submitted += other.submitted
        notSent += other.notSent
        for place in ends.indices { ends[place] += other.ends[place] }
        latency.add(other.latency)
        for failure in other.failures { add(failure) }
    }

    private mutating func note(_ reply: Reply) {
        let kind = reply.kind
        if let place = failures.firstIndex(where: { $0.kind == kind }) {
            failures[place].count += 1
        } else {
            add(Failure(kind: kind, count: 1, first: reply.note))
        }
    }

    private mutating func add(_ failure: Failure) {
        if let place = failures.firstIndex(where: { $0.kind == failure.kind }) {
            failures[place].count += failure.count
        } else if failures.count < Self.kindLimit {
            failures.append(failure)
        }
    }
}
