import ServerRuntime
import ServingDomain

/// Holds, fails and counts the runs of an emulated model, so that tests need not sleep.
///
/// Runs pass a gate that is open at first. While it is closed, each run waits at its beginning
/// until it is let through, the gate opens, or the run is terminated. Any thread may call it.
public final class EmulatedControl: @unchecked Sendable {
    // Safe: `state` is read and written only while `monitor` is locked.

    /// One run that ended.
    public struct Run: Hashable, Sendable {
        /// Items of the batch.
        public var items: Int32
        /// Whether it ended as it should.
        public var succeeded: Bool

        /// Creates the record of a run.
        public init(items: Int32, succeeded: Bool) {
            self.items = items
            self.succeeded = succeeded
        }
    }

    /// The most runs that are kept in `runs`; later ones are counted only.
    public static let recordLimit = 65_536

    let monitor = Monitor()
    private var state = State()

    /// Creates a control with an open gate and no faults.
    public init() {}

    /// Closes the gate: runs that begin from now on wait. Permits left over are void.
    public func close() {
        locked {
            $0.open = false
            $0.permits = 0
        }
    }

    /// Opens the gate; every run that waits goes on.
    public func open() {
        locked {
            $0.open = true
            $0.permits = 0
        }
    }

    /// Lets `count` runs through the closed gate, waiting ones first.
    public func pass(_ count: Int = 1) {
        precondition(count >= 0)
        locked { $0.permits += count }
    }

    /// Sets what goes wrong from now on.
    public func set(_ faults: EmulatedFaults) { locked { $0.faults = faults } }

    /// Makes the next `count` runs fail, whatever the faults say.
    public func failNext(_ count: Int = 1) { locked { $0.failNext = count } }

    /// Makes the next `count` runs hang: whatever they are told, they end only after `comeBack`,
    /// and then as if nothing had been.
    public func hangNext(_ count: Int = 1) { locked { $0.hangNext = count } }

    /// Lets the runs end that hang.
    public func comeBack() { locked { $0.comebacks += 1 } }

    /// Returns once at least `count` runs hang.
    public func hanging(atLeast count: Int) async {
        await reached { $0.hanging >= count }
    }

    /// How many runs wait at the gate.
    public var blockedCount: Int { locked { $0.blocked } }

    /// How many runs have ended, failed ones included.
    public var endedCount: Int { locked { $0.ended } }

    /// The runs that ended, in order, the first `recordLimit` of them.
    public var runs: [Run] { locked { $0.runs } }

    /// Returns once at least `count` runs wait at the gate.
    public func blocked(atLeast count: Int) async {
        await reached { $0.blocked >= count }
    }

    /// Returns once at least `count` runs have ended.
    public func ended(atLeast count: Int) async {
        await reached { $0.ended >= count }
    }
}

// MARK: - What the engine asks

extension EmulatedControl {
    /// Where one instance stands.
    final class Seat: @unchecked Sendable {
        // Safe: `standing` is read and written by the control alone, while its monitor is locked.
        struct Standing {
            var running = false
            var stopping = false
            var runs = 0
        }

        var standing = Standing()
    }

    var faults: EmulatedFaults { locked { $0.faults } }

    /// One run: gate, then latency, then the fault if there is to be one. Blocks.
    func run(_ seat: Seat, items: Int32, latency: TimeSpan) throws(EngineError) {
        monitor.lock()
        seat.standing.running = true
        seat.standing.stopping = false
        seat.standing.runs += 1
        state.begun += 1
        let number = state.begun
        let fails = state.nextFails(firstOfInstance: seat.standing.runs == 1)
        let hangs = state.nextHangs()
        if hangs { hang() } else { waitAtGate(seat) }
        if latency > .zero, !hangs, !seat.standing.stopping {
            let end = Monitor.now() + latency.nanoseconds
            while !seat.standing.stopping, Monitor.now() < end { monitor.wait(until: end) }
        }
        let stopped = seat.standing.stopping && !hangs
        seat.standing.running = false
        state.end(Run(items: items, succeeded: !stopped && !fails))
        state.wakeWaiters()
        monitor.unlock()
        if stopped { throw EngineError(.terminated, "the run was terminated") }
        if fails { throw EngineError(.failed, "emulated fault in run \(number)") }
    }

    /// Ends the seat's present run; nothing happens between runs.
    func terminate(_ seat: Seat) {
        monitor.lock()
        if seat.standing.running {
            seat.standing.stopping = true
            monitor.broadcast()
        }
        monitor.unlock()
    }

    private func hang() {
        let comebacks = state.comebacks
        state.hanging += 1
        state.wakeWaiters()
        while state.comebacks == comebacks { monitor.wait() }
        state.hanging -= 1
    }

    private func waitAtGate(_ seat: Seat) {
        guard !state.mayPass() else { return }
        state.blocked += 1
        state.wakeWaiters()
        while !seat.standing.stopping {
            monitor.wait()
            if seat.standing.stopping || state.mayPass() { break }
        }
        state.blocked -= 1
    }

    private func reached(_ condition: @escaping @Sendable (borrowing State) -> Bool) async {
        await withCheckedContinuation { continuation in
            locked {
                $0.waiters.append(State.Waiter(condition: condition, continuation: continuation))
                $0.wakeWaiters()
            }
        }
    }

    private func locked<Result>(_ body: (inout State) -> Result) -> Result {
        monitor.lock()
        defer { monitor.unlock() }
        let result = body(&state)
        monitor.broadcast()
        return result
    }
}

// MARK: - State

extension EmulatedControl {
    private struct State {
        struct Waiter {
            var condition: @Sendable (borrowing State) -> Bool
            var continuation: CheckedContinuation<Void, Never>
        }

        var open = true
        var permits = 0
        var faults = EmulatedFaults()
        var failNext = 0
        var hangNext = 0
        var hanging = 0
        var comebacks = 0
        var blocked = 0
        var begun = 0
        var ended = 0
        var runs: [Run] = []
        var waiters: [Waiter] = []

        mutating func mayPass() -> Bool {
            if open { return true }
            guard permits > 0 else { return false }
            permits -= 1
            return true
        }

        mutating func nextFails(firstOfInstance: Bool) -> Bool {
            if failNext > 0 {
                failNext -= 1
                return true
            }
            if faults.warm, firstOfInstance { return true }
            return faults.every > 0 && begun % faults.every == 0
        }

        mutating func nextHangs() -> Bool {
            guard hangNext > 0 else { return false }
            hangNext -= 1
            return true
        }

        mutating func end(_ run: Run) {
            ended += 1
            if runs.count < recordLimit { runs.append(run) }
        }

        mutating func wakeWaiters() {
            guard !waiters.isEmpty else { return }
            let present = waiters
            waiters = present.filter { waiter in
                guard waiter.condition(self) else { return true }
                waiter.continuation.resume()
                return false
            }
        }
    }
}
