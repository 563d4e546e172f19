package import ServingDomain

/// Gives every lane a controller of its own and carries out what they want.
package struct LaneScaler: Scaler {
    private struct Track: Sendable {
        var controller: any LaneController
        var setting = LaneSetting.least
        var hasBegun = false
        /// Forced decision, such as after a failure.
        var urgent = Instant.distantFuture
        var due: Instant { min(urgent, controller.due) }
        /// No batch of this size or more is tried again: it failed twice in a row.
        var failingBatch = Int32.max
        var failures: Int32 = 0
        var decisions = 0
        var note = ""
        var isIdle = false

        /// Takes note of a batch; when the next decision is due, nil before the first.
        mutating func observe(_ batch: EndedBatch, at now: Instant) -> Instant? {
            guard hasBegun else { return nil }
            if batch.failed {
                fail(batch, at: now)
            } else {
                failures = 0
                controller.observe(batch, at: now)
            }
            return due
        }

        /// Two failures in a row at one batch size put a ceiling below it; one may be chance.
        private mutating func fail(_ batch: EndedBatch, at now: Instant) {
            guard batch.items > 1 else { return }
            failures += 1
            guard failures >= 2 else { return }
            failingBatch = min(failingBatch, batch.items)
            failures = 0
            urgent = now
            note =
                "Batches of \(batch.items) failed twice in a row; the limit stays below that. "
                + "Look into the engine's log, or set batch.limit."
        }
    }

    package private(set) var due: Instant?
    package let ownsLanes = true
    private let make: @Sendable () -> any LaneController
    private var tracks: [Track?] = []
    private var changes: [ScalingChange] = []

    /// Creates a scaler whose lanes are steered by what `make` makes.
    init(_ make: @escaping @Sendable () -> any LaneController) { self.make = make }

    // MARK: Facts

    package mutating func laneChanged(_ lane: LaneID, at now: Instant) {
        while tracks.count <= lane.position { tracks.append(nil) }
        tracks[lane.position] = Track(controller: make())
        tracks[lane.position]?.urgent = now
        due = min(due ?? .distantFuture, now)
    }

    package mutating func batchEnded(_ batch: EndedBatch, at now: Instant) {
        let place = batch.lane.position
        guard place < tracks.count else { return }
        if let next = tracks[place]?.observe(batch, at: now) {
            due = min(due ?? .distantFuture, next)
        }
    }

    // MARK: Decisions

    package mutating func step(
        at now: Instant,
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast
    ) -> ScalingChange? {
        if let change = changes.popLast() { return change }
        guard let due, due <= now else { return nil }
        for place in tracks.indices {
            guard let next = tracks[place]?.due, next <= now else { continue }
            decide(LaneID(Int32(place)), at: now, in: state)
        }
        self.due = tracks.reduce(nil) { earliest, track in
            guard let next = track?.due, next != .distantFuture else { return earliest }
            // A controller that is late with its next time is asked again soon, not for ever.
            let later = max(next, now + .milliseconds(1))
            return earliest.map { min($0, later) } ?? later
        }
        return changes.popLast()
    }

    private mutating func decide(
        _ lane: LaneID,
        at now: Instant,
        in state: borrowing DispatchState
    ) {
        let place = lane.position
        guard place < state.lanes.count, var facts = state.facts(of: lane),
            state.specs[state.lanes[place].model.position]?.batching.fixed == false
        else {
            tracks[place] = nil
            return
        }
        guard var track = tracks[place] else { return }
        track.urgent = .distantFuture
        let record = state.lanes[place]
        let below = track.failingBatch - 1
        if below < facts.batchCeiling { facts.batchCeiling = max(1, below) }
        if record.failed > 0, record.wanted > record.ready + record.starting {
            track.note =
                "\(record.failed) instances could not be started; \(record.ready) serve on. "
                + "Look into the log, then reload the model."
        }
        guard facts.slo != nil else {
            // Without an objective there is nothing to hold; look again when the model changes.
            track.isIdle = true
            track.note = Self.note(onObjective: state.specs[record.model.position]?.slo)
            track.urgent = now + .seconds(1)
            tracks[place] = track
            return
        }
        let wanted =
            track.hasBegun && !track.isIdle
            ? track.controller.decide(at: now, facts) : track.controller.begin(at: now, facts)
        if track.isIdle { track.note = "" }
        track.isIdle = false
        track.hasBegun = true
        let setting = facts.clamped(wanted)
        if setting != track.setting || track.decisions == 0 { track.decisions += 1 }
        track.setting = setting
        tracks[place] = track
        order(setting, of: lane, record, loading: track.controller.loaded, facts)
    }

    /// Appends what `lane` lacks; the last appended is carried out first.
    private mutating func order(
        _ setting: LaneSetting,
        of lane: LaneID,
        _ record: LaneRecord,
        loading: Int32,
        _ facts: LaneFacts
    ) {
        let most = facts.instancesThatFit(batch: setting.batch)
        let loaded = max(setting.instances, min(loading, most))
        if record.wanted != loaded { changes.append(.instances(lane, loaded)) }
        if min(record.active, loaded) != setting.instances {
            changes.append(.active(lane, setting.instances))
        }
        if record.batchLimit != setting.batch {
            changes.append(.batchLimit(lane, setting.batch))
        }
    }

    package func settled(_ lane: LaneID) -> SettledLane? {
        guard lane.position < tracks.count, let track = tracks[lane.position], !track.isIdle
        else { return nil }
        return track.controller.settled
    }

    package func status(of lane: LaneID) -> ScalingStatus? {
        guard lane.position < tracks.count, let track = tracks[lane.position] else { return nil }
        return ScalingStatus(
            phase: track.isIdle ? .idle : track.controller.phase,
            setting: track.setting,
            decisions: track.decisions,
            note: track.note.isEmpty && track.controller.phase == .infeasible && !track.isIdle
                ? Self.infeasible(track.setting) : track.note
        )
    }

    private static func infeasible(_ setting: LaneSetting) -> String {
        "No measured setting meets the objective; the one of the lowest latency serves: batches of "
            + "\(setting.batch), \(setting.instances) at once. Raise slo.latency_ms, or give the "
            + "model a larger share."
    }

    /// An objective that is not above 0 is worth a line; none at all is a choice.
    private static func note(onObjective slo: TimeSpan?) -> String {
        guard let slo else { return "" }
        return
            "The objective is \(slo.nanoseconds / 1_000_000) ms, but must be above 0; nothing is "
            + "scaled. Correct slo.latency_ms."
    }
}
