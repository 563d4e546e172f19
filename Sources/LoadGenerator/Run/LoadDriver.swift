import Histogram
import NIOCore
import ServingDomain
import Workloads

/// Runs a load on one event loop: sends when it is time, counts what comes back.
///
/// Everything happens on that loop, so nothing is locked. In an open loop a request that is due
/// and finds no connection waits, and the wait is part of its latency.
final class LoadDriver: ConnectionOwner {
    /// What a driver needs to know.
    struct Task: Sendable {
        var configuration: LoadConfiguration
        /// One per model.
        var requests: [PreparedRequest]
        var connector: Connector
        var stop: StopSwitch
        var progress: (@Sendable (LoadProgress) -> Void)?
    }

    /// Where a run stands. Each leads to the one below it.
    private enum Phase { case connecting, sending, draining, finished }

    /// The most requests that leave before the loop looks at its sockets again.
    private static let burst = 128
    /// How long a server is left alone that takes no connections, or breaks them.
    private static let rest: Int64 = 50_000_000
    /// How often progress is reported and the stop switch looked at.
    private static let pulse = TimeAmount.milliseconds(100)
    /// How long to wait for answers when somebody asked to stop.
    private static let hurriedDrain = TimeAmount.seconds(1)

    private let task: Task
    private let promise: EventLoopPromise<LoadResults>
    private var phase = Phase.connecting
    private var lanes: [LoadLane] = []
    private var lag = Histogram<UInt32>(
        lowestDiscernibleValue: 1,
        highestTrackableValue: LoadLedger.longest,
        numberOfSignificantValueDigits: .three
    )

    private var start: Int64 = 0
    private var warmEnd: Int64 = 0
    private var end: Int64 = 0
    private var timer: Scheduled<Void>?
    private var pulses = 0
    private var isHurried = false
    private var answeredCount = 0
    private var succeededCount = 0
    private var lastReport: (time: Int64, answered: Int) = (0, 0)

    private var waiting = CircularBuffer<Flight>()
    private var inFlight = 0
    private var submittedCount = 0
    private var connections: [any WireConnection] = []
    private var available = CircularBuffer<any WireConnection>()
    private var opening = 0
    /// Until when no connection is opened, since the last could not be.
    private var blockedUntil: Int64 = 0
    /// Until when clients of a closed loop rest whose connection broke.
    private var restUntil: Int64 = 0
    private var lastFailure = ""

    private init(_ task: Task, _ promise: EventLoopPromise<LoadResults>) {
        self.task = task
        self.promise = promise
        let configuration = task.configuration
        for (place, model) in configuration.models.enumerated() {
            lanes.append(
                LoadLane(
                    model,
                    request: task.requests[place],
                    seed: configuration.seed,
                    stream: place
                )
            )
        }
    }

    /// Runs a load; fails if no connection can be opened at the start.
    static func run(_ task: Task) async throws -> LoadResults {
        let loop = task.connector.loop
        return try await loop.flatSubmit {
            let promise = loop.makePromise(of: LoadResults.self)
            let driver = LoadDriver(task, promise)
            driver.connect()
            // Connections and timers come and go; this holds the driver to the end.
            promise.futureResult.assumeIsolated().whenComplete { _ in
                withExtendedLifetime(driver) {}
            }
            return promise.futureResult
        }
        .get()
    }

    // MARK: Start and end

    private var loop: any EventLoop { task.connector.loop }

    private func now() -> Int64 { Int64(NIODeadline.now().uptimeNanoseconds) }

    private var connectionLimit: Int {
        let configuration = task.configuration
        if let given = configuration.connections { return given }
        let isOpen = lanes.contains { !$0.isClosed }
        guard isOpen else { return min(configuration.clients, LoadConfiguration.connectionLimit) }
        return configuration.transport == .grpc ? 4 : configuration.maxInFlight
    }

    private func connect() {
        let clients = task.configuration.clients
        let first = min(connectionLimit, clients > 0 ? clients : 8)
        for _ in 0..<first { openConnection() }
    }

    /// Begins to send once the first connections stand or have failed.
    private func beginIfConnected() {
        guard phase == .connecting, opening == 0 else { return }
        guard !connections.isEmpty else {
            phase = .finished
            promise.fail(LoadError(lastFailure))
            return
        }
        phase = .sending
        start = now()
        warmEnd = start + task.configuration.warmUp.nanoseconds
        let traceEnd = lanes.compactMap(\.model.process.lastTime).max() ?? .zero
        // A nanosecond more, so that the trace's last arrival lies within.
        end =
            task.configuration.duration.map { warmEnd + $0.nanoseconds }
            ?? (start + traceEnd.nanoseconds + 1)
        lastReport = (start, 0)
        pulse()
        for place in lanes.indices {
            for _ in 0..<(lanes[place].model.process.clients ?? 0) { submit(place, at: start) }
        }
        tick()
    }

    private func tick() {
        guard phase == .sending else { return }
        let time = now()
        if time < end { wakeRestingClients(at: time) }
        // Also what was due before the end and is only seen now: a late timer must not lower
        // the load.
        let next = submitDue(at: time)
        pump()
        guard next > time else { return wake(at: time) }
        if time >= end || isLimitReached { return finishSending(at: min(time, end)) }
        let isResting = lanes.contains { $0.restingClients > 0 }
        wake(at: min(next, end, isResting ? restUntil : .max))
    }

    /// Submits what is due in open loops; returns when the next request is, which is not later
    /// than `time` when a burst was cut off.
    private func submitDue(at time: Int64) -> Int64 {
        var left = Self.burst
        while let place = dueLane(), !isLimitReached {
            let intended = start + (lanes[place].upcoming ?? 0)
            guard intended < end else { return .max }
            guard intended <= time, left > 0 else { return intended }
            left -= 1
            lanes[place].advance()
            submit(place, at: intended)
        }
        return .max
    }

    private func wake(at time: Int64) {
        timer?.cancel()
        timer = loop.assumeIsolated().scheduleTask(
            deadline: .uptimeNanoseconds(UInt64(max(0, time)))
        ) { self.tick() }
    }

    /// The open lane whose next request is due first.
    private func dueLane() -> Int? {
        var best: Int?
        var earliest = Int64.max
        for place in lanes.indices {
            guard let upcoming = lanes[place].upcoming, upcoming < earliest else { continue }
            earliest = upcoming
            best = place
        }
        return best
    }

    private func finishSending(at time: Int64) {
        phase = .draining
        end = time
        drain()
        finishIfDrained()
    }

    /// Waits for the answers that are out, briefly when somebody asked to stop.
    private func drain() {
        guard phase == .draining else { return }
        timer?.cancel()
        let patience = TimeAmount.nanoseconds(task.configuration.drain.nanoseconds)
        let span = isHurried ? min(patience, Self.hurriedDrain) : patience
        timer = loop.assumeIsolated().scheduleTask(in: span) { self.giveUp() }
    }

    /// The drain is over: what is still out has no answer.
    private func giveUp() {
        guard phase == .draining else { return }
        let seconds = isHurried ? 1 : task.configuration.drain.inSeconds
        let note = "none within \(seconds) s after the end of the load"
        for connection in connections {
            for flight in connection.abandon() { close(flight, Reply(code: .lost, note: note)) }
        }
        while let flight = waiting.popFirst() {
            close(flight, Reply(code: .lost, note: "no connection was free up to the end"))
        }
        finishIfDrained()
    }

    private func finishIfDrained() {
        guard phase == .draining, inFlight == 0 else { return }
        phase = .finished
        timer?.cancel()
        for connection in connections { _ = connection.abandon() }
        connections.removeAll()
        available.removeAll()
        let measured = TimeSpan(nanoseconds: max(0, end - warmEnd))
        promise.succeed(
            LoadResults(ledgers: lanes.map(\.ledger), lag: lag, measured: measured)
        )
    }

    private func pulse() {
        guard phase != .finished else { return }
        if task.stop.isPressed, !isHurried {
            isHurried = true
            if phase == .sending { finishSending(at: min(now(), end)) } else { drain() }
        }
        pulses += 1
        if let progress = task.progress, pulses % 5 == 1 { progress(report()) }
        loop.assumeIsolated().scheduleTask(in: Self.pulse) { self.pulse() }
    }

    private func report() -> LoadProgress {
        let time = now()
        let seconds = Double(time - lastReport.time) / 1e9
        let rate = seconds > 0 ? Double(answeredCount - lastReport.answered) / seconds : 0
        lastReport = (time, answeredCount)
        return LoadProgress(
            elapsed: TimeSpan(nanoseconds: min(time, end) - start),
            length: TimeSpan(nanoseconds: end - start),
            isWarmingUp: time < warmEnd,
            answered: answeredCount,
            succeeded: succeededCount,
            inFlight: inFlight,
            rate: rate
        )
    }
}

// MARK: - Requests

extension LoadDriver {
    private func submit(_ place: Int, at intended: Int64) {
        let isCounted = intended >= warmEnd
        guard inFlight < task.configuration.maxInFlight else {
            if isCounted { lanes[place].ledger.skip() }
            return
        }
        submittedCount += 1
        inFlight += 1
        if isCounted { lanes[place].ledger.submit() }
        waiting.append(Flight(lane: place, intended: intended, isCounted: isCounted))
    }

    /// Sends what waits, as far as connections have room; opens more where that may help.
    private func pump() {
        while let flight = waiting.first, let connection = available.popFirst() {
            connection.isListed = false
            guard connection.room > 0 else { continue }
            waiting.removeFirst()
            if flight.isCounted { lag.record(UInt64(max(0, now() - flight.intended))) }
            connection.send(lanes[flight.lane].request, for: flight)
            list(connection)
        }
        guard !waiting.isEmpty else { return }
        var wanted = waiting.count - opening
        while wanted > 0, connections.count + opening < connectionLimit, now() >= blockedUntil {
            openConnection()
            wanted -= 1
        }
        if connections.isEmpty, opening == 0 { failWaiting(lastFailure) }
    }

    /// Takes a flight out of the air; the answer's time is now.
    private func close(_ flight: Flight, _ reply: Reply) {
        inFlight -= 1
        answeredCount += 1
        let outcome = reply.outcome
        if outcome == .served || outcome == .late { succeededCount += 1 }
        if flight.isCounted {
            let span = TimeSpan(nanoseconds: now() - flight.intended)
            let objective = lanes[flight.lane].model.objective
            lanes[flight.lane].ledger.end(reply, after: span, objective: objective)
        }
        guard phase == .sending, lanes[flight.lane].isClosed else { return }
        if reply.code == .lost {
            lanes[flight.lane].restingClients += 1
        } else if !isLimitReached {
            submit(flight.lane, at: now())
        }
    }

    private func failWaiting(_ reason: String) {
        // Counted first: closing a flight never adds one that waits, but it need not stay so.
        for _ in 0..<waiting.count {
            guard let flight = waiting.popFirst() else { break }
            close(flight, Reply(code: .lost, note: reason))
        }
    }

    /// Clients whose connection broke try again when the server has been left alone for a while.
    private func wakeRestingClients(at time: Int64) {
        guard time >= restUntil else { return }
        for place in lanes.indices where lanes[place].restingClients > 0 {
            for _ in 0..<lanes[place].restingClients { submit(place, at: time) }
            lanes[place].restingClients = 0
        }
    }

    private var isLimitReached: Bool { submittedCount >= task.configuration.requestLimit }

    /// After something ended outside of `tick`: send on, or end.
    private func proceed() {
        if phase == .sending {
            pump()
            if isLimitReached || lanes.contains(where: { $0.restingClients > 0 }) { tick() }
        } else {
            pump()
            finishIfDrained()
        }
    }
}

// MARK: - Connections

extension LoadDriver {
    private func openConnection() {
        opening += 1
        task.connector.open(for: self) { reason in
            self.opening -= 1
            self.lastFailure = reason
            self.blockedUntil = self.now() + Self.rest
            self.restUntil = self.blockedUntil
            if self.connections.isEmpty, self.opening == 0 { self.failWaiting(reason) }
            self.beginIfConnected()
            if self.phase != .connecting, self.phase != .finished { self.proceed() }
        }
    }

    private func list(_ connection: any WireConnection) {
        guard !connection.isListed, connection.room > 0 else { return }
        connection.isListed = true
        available.append(connection)
    }

    func hasRoom(_ connection: any WireConnection) {
        guard phase != .finished else {
            _ = connection.abandon()
            return
        }
        if !connections.contains(where: { $0 === connection }) {
            opening -= 1
            connections.append(connection)
        }
        list(connection)
        if phase == .connecting { beginIfConnected() } else { proceed() }
    }

    func answered(_ flight: Flight, _ reply: Reply, on connection: any WireConnection) {
        close(flight, reply)
        list(connection)
        proceed()
    }

    func lost(_ connection: any WireConnection, with flights: [Flight], reason: String) {
        if let place = connections.firstIndex(where: { $0 === connection }) {
            connections.remove(at: place)
        } else {
            // It never became ready.
            opening -= 1
            lastFailure = "\(task.connector.address.authority): \(reason)"
        }
        if connection.isListed { available.removeAll { $0 === connection } }
        if !flights.isEmpty { restUntil = now() + Self.rest }
        for flight in flights { close(flight, Reply(code: .lost, note: reason)) }
        beginIfConnected()
        if phase != .connecting, phase != .finished { proceed() }
    }
}
