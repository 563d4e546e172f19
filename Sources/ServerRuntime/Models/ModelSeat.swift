import ServingDomain
import Synchronization

/// One version of one model between its load and the end of its last instance.
final class ModelSeat: Sendable {
    private struct Progress {
        var starting = 0
        var ready = 0
        /// Whether an instance has been warm already.
        var hasServed = false
        /// Those whose engine does not come back.
        var abandoned: Set<InstanceID> = []
        var failures = 0
        var reason = ""
        var retired = false
        /// What is being measured at present.
        var measuring: Set<Row> = []

        var isGone: Bool { retired && starting == 0 && ready == 0 && abandoned.isEmpty }
    }

    /// The latencies that instances with so many units of one kind of device share, up to a batch.
    struct Row: Hashable {
        let kind: String
        let units: Int32
        let batchLimit: Int32
    }

    /// Where the instances of a seat stand.
    enum Standing {
        /// None has been tried yet, or some are still being warmed.
        case pending
        /// At least one is warm and none is outstanding.
        case ready
        /// None is warm; the reason of the last failure.
        case failed(String)
    }

    let loaded: any LoadedModel
    let artifact: ModelArtifact
    let warmups: [Warmup]
    /// The largest batch that its instances are warmed for.
    let warmedBatch: Int32
    private let present: Mutex<(servable: Servable, definition: ModelDefinition)>
    private let progress = Mutex(Progress())
    private let bell = Doorbell()

    init(
        servable: Servable,
        loaded: any LoadedModel,
        artifact: ModelArtifact,
        definition: ModelDefinition
    ) {
        id = servable.id
        self.loaded = loaded
        self.artifact = artifact
        warmups = definition.warmups
        warmedBatch = servable.spec.maxBatch
        present = Mutex((servable, definition))
    }

    let id: ModelID

    /// What fronts see of it.
    var servable: Servable { present.withLock { $0.servable } }

    /// What it was loaded by, with the settings that hold now.
    var definition: ModelDefinition { present.withLock { $0.definition } }

    /// Takes over other settings.
    func set(_ servable: Servable, _ definition: ModelDefinition) {
        precondition(servable.id == id)
        present.withLock { $0 = (servable, definition) }
    }

    /// Notes that an instance is being started; its place among those that live, or nil when
    /// the seat is retired.
    func instanceStarts() -> Int? {
        progress.withLock { progress in
            guard !progress.retired else { return nil }
            defer { progress.starting += 1 }
            return progress.starting + progress.ready
        }
    }

    /// Notes that an instance is warm; whether the seat is gone already, since the instance was
    /// stopped before anybody said so.
    func instanceIsReady() -> Bool {
        let isGone = progress.withLock { progress in
            progress.starting -= 1
            progress.ready += 1
            progress.hasServed = true
            return progress.isGone
        }
        bell.ring()
        return isGone
    }

    /// Notes that an instance could not be started.
    func instanceFailed(_ reason: String) {
        progress.withLock { progress in
            progress.starting -= 1
            progress.failures += 1
            progress.reason = reason
        }
        bell.ring()
    }

    /// Notes that a warm instance is given up; how many are that have not come back.
    func instanceIsAbandoned(_ id: InstanceID) -> Int {
        progress.withLock { progress in
            progress.ready -= 1
            progress.abandoned.insert(id)
            return progress.abandoned.count
        }
    }

    /// Notes that a warm instance has stopped; whether it had been given up.
    @discardableResult
    func instanceStopped(_ id: InstanceID) -> Bool {
        progress.withLock { progress in
            if progress.abandoned.remove(id) != nil { return true }
            progress.ready -= 1
            return false
        }
    }

    /// Notes that an instance is about to be measured; false while another one is, for the same.
    func beginsMeasuring(_ row: Row) -> Bool {
        progress.withLock { $0.measuring.insert(row).inserted }
    }

    /// Notes that the measuring of a row has ended, whatever came of it.
    func endsMeasuring(_ row: Row) {
        progress.withLock { _ = $0.measuring.remove(row) }
    }

    /// Whether requests may wait for the next instance, since it has none left.
    var isWaitedFor: Bool {
        progress.withLock { $0.hasServed && $0.ready == 0 && !$0.retired }
    }

    /// Nothing more starts here.
    func retire() {
        progress.withLock { $0.retired = true }
    }

    /// Whether the seat is retired and nothing of it runs any more.
    var isGone: Bool { progress.withLock { $0.isGone } }

    /// Where the instances stand.
    var standing: Standing {
        progress.withLock { progress in
            if progress.starting > 0 || progress.ready + progress.failures == 0 { return .pending }
            return progress.ready > 0 ? .ready : .failed(progress.reason)
        }
    }

    /// Waits until the instances are warm or have failed, until `instant` at most.
    func waitForInstances(until instant: Instant) -> Standing {
        while case .pending = standing {
            guard bell.wait(until: instant) else { return .pending }
        }
        return standing
    }
}
