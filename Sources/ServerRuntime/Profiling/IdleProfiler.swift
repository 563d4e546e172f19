import Logging
import ServerCore
import ServingDomain
import Synchronization

/// Measures in idle time what planners know only by guess: the rows of a model's latencies on
/// numbers of units that it has not run on yet.
///
/// One thread of low priority. A probe is one batch, it runs only while no request is in the
/// server and none has come for two seconds, the first that comes ends it, and all of it, making
/// instances included, takes at most one part in twenty of the time. So a row takes some 20 times
/// what its runs take. A row that fails, or that was disturbed too often, is left as the guess
/// that it is.
///
/// Source: design, section 1 ("Probes ... at most 5 % of a device's time").
final class IdleProfiler: Sendable {
    /// One row to measure.
    private struct Row: Hashable {
        var model: ModelID
        var device: DeviceID
        var units: Int32
    }

    /// The part of the time that probes may take is one in so many.
    private static let parsimony: Int64 = 20
    /// How often it looks for rows, and for quiet.
    private static let pause = TimeSpan.milliseconds(250)
    /// How long no request must have come. A gap between two requests is no idle time: a probe ends
    /// between two nodes of its graph only, and meanwhile it has the caches.
    private static let calm = TimeSpan.seconds(2)
    /// How often a batch may be disturbed before its row is given up for now.
    private static let attempts = 40
    private let driver: CoreDriver
    private let registry: ModelRegistry
    private let configuration: RuntimeConfiguration
    private let logger: Logger
    private let bell = Doorbell()
    private let stopped = Atomic<Bool>(false)
    private let begun = Atomic<Bool>(false)
    /// How many requests had come when last looked, and when they were fewer.
    private let seen = Mutex<(requests: Int, changed: Instant)>((0, Instant(nanoseconds: .min)))

    init(
        driver: CoreDriver,
        registry: ModelRegistry,
        configuration: RuntimeConfiguration,
        logger: Logger
    ) {
        self.driver = driver
        self.registry = registry
        self.configuration = configuration
        self.logger = logger
    }

    /// Starts the thread.
    func start() {
        guard !begun.exchange(true, ordering: .acquiringAndReleasing) else { return }
        SystemThread.start("sluice-profile", urgency: .background) { [self] in run() }
    }

    /// Ends the thread after the batch that it runs.
    func stop() {
        stopped.store(true, ordering: .releasing)
        bell.ring()
    }

    private var isStopped: Bool { stopped.load(ordering: .acquiring) }

    /// Lets time pass; false when it is to end.
    private func rest(_ span: TimeSpan) -> Bool {
        let end = MonotonicTime.now() + span
        while !isStopped, MonotonicTime.now() < end { _ = bell.wait(until: end) }
        return !isStopped
    }

    private func run() {
        var tried: Set<Row> = []
        while rest(Self.pause) {
            guard let row = nextRow(tried) else { continue }
            tried.insert(row)
            measure(row)
        }
    }

    /// The first row that somebody might plan for and nobody has measured.
    private func nextRow(_ tried: Set<Row>) -> Row? {
        for servable in registry.servables() where servable.wiring == nil {
            guard let spec = driver.spec(of: servable.id),
                spec.maxShare > 0, servable.signature.inputs.allSatisfy(\.isFixed)
            else { continue }
            // On a GPU it would take a partition from those that serve: `sluice profile` does that.
            for device in configuration.core.devices where device.copyEngines == 0 {
                for units in Self.rows(of: device) {
                    let row = Row(model: servable.id, device: device.id, units: units)
                    if !tried.contains(row), !spec.isMeasured(on: device.kind, units: units) {
                        return row
                    }
                }
            }
        }
        return nil
    }

    /// Doublings and all: rows between them count as the next smaller one.
    static func rows(of device: DeviceSpec) -> [Int32] {
        device.allowedUnits.filter { $0 == device.units || $0.nonzeroBitCount == 1 }
    }

    // MARK: One row

    private func measure(_ row: Row) {
        guard let seat = registry.seat(row.model) else { return }
        let device = configuration.core.devices[row.device.position]
        let own = Array(configuration.unitNumbers[row.device.position].prefix(Int(row.units)))
        let warmUp = WarmUp(
            signature: seat.servable.signature,
            batchLimit: seat.servable.spec.maxBatch,
            extra: [],
            units: row.units
        )
        do throws(EngineError) {
            guard waitForQuiet() else { return }
            let began = MonotonicTime.now()
            let instance = try seat.loaded.makeInstance(
                Placement(device: device, units: own, own: own)
            )
            guard repay(since: began) else { return }
            var points: [LatencySurface.Point] = []
            for items in warmUp.doublings {
                guard let point = try probe(items, on: instance, warmUp) else { break }
                points.append(point)
            }
            report(points, row, device, seat)
        } catch {
            logger.info(
                """
                '\(seat.servable.spec.name)' was not measured on \(row.units) units, the guess \
                stands: \(error.message)
                """
            )
        }
    }

    private func report(
        _ points: [LatencySurface.Point],
        _ row: Row,
        _ device: DeviceSpec,
        _ seat: ModelSeat
    ) {
        // The version may have gone meanwhile, and its number may be another model's.
        guard !points.isEmpty, !isStopped, !seat.servable.tenure.isOver else { return }
        driver.post(.measured(row.model, kind: device.kind, points))
        configuration.knowledge?.keep(points, of: seat.artifact, on: device)
        logger.info(
            """
            measured '\(seat.servable.spec.name)' in idle time: \(points.count) batches on \
            \(row.units) units
            """
        )
    }

    /// One batch size; nil where it was disturbed too often, or it is to end.
    private func probe(
        _ items: Int32,
        on instance: any EngineInstance,
        _ warmUp: WarmUp
    ) throws(EngineError) -> LatencySurface.Point? {
        for _ in 0..<Self.attempts {
            guard waitForQuiet() else { return nil }
            let began = MonotonicTime.now()
            let span = try driver.probes.run(
                on: instance,
                isQuiet: { isQuiet },
                { () throws(EngineError) in try warmUp.fastest(instance, items) }
            )
            guard repay(since: began) else { return nil }
            if let span {
                return LatencySurface.Point(batch: items, units: warmUp.units, latency: span)
            }
        }
        return nil
    }

    /// Lets so much time pass that what began at `began` was one part in twenty.
    private func repay(since began: Instant) -> Bool {
        rest((MonotonicTime.now() - began) * (Self.parsimony - 1))
    }

    /// Whether no request is here, and none has come for a while.
    private var isQuiet: Bool {
        let (now, requests) = (MonotonicTime.now(), driver.probes.requests)
        let changed = seen.withLock { seen in
            if seen.requests != requests { seen = (requests, now) }
            return seen.changed
        }
        return driver.requestsHere == 0 && now >= changed + Self.calm
    }

    /// Waits until it is quiet; false when it is to end.
    private func waitForQuiet() -> Bool {
        while !isQuiet {
            guard rest(Self.pause) else { return false }
        }
        return !isStopped
    }
}
