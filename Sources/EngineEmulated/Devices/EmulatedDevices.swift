import ServerRuntime
public import ServingDomain
public import VirtualDevices

/// Devices that exist as arithmetic, in real time: batches that run side by side slow each other
/// down, and copies queue for their engines, as the simulator has it (`VirtualCluster`).
///
/// Each run waits on the thread that asked for it. One of those that wait is the leader: it
/// sleeps until the next stage ends, tells whose stage that was, and leaves its office to another
/// when its own ends; so a stage's end wakes two threads at most, however many wait.
public final class EmulatedDevices: @unchecked Sendable {
    // Safe: `cluster`, `waiting` and `leader` are read and written only while `monitor` is locked.

    /// The most models, all versions and loads counted.
    public static let modelLimit = 65_536

    /// One instance's wait.
    final class Seat: @unchecked Sendable {
        // Safe: `standing` is read and written only while the devices' monitor is locked.
        fileprivate let bell = Monitor.Bell()
        fileprivate var standing = Standing()

        fileprivate struct Standing {
            var job = VirtualCluster.none
            var ended: EndedStage?
            var stopping = false
        }
    }

    /// The devices, in order of their identifiers.
    public let devices: [DeviceSpec]
    private let monitor = Monitor()
    private var cluster: VirtualCluster
    private var waiting: [Seat] = []
    private var leader: Seat?

    /// Creates idle devices.
    ///
    /// - Parameters:
    ///   - devices: In order of their identifiers.
    ///   - truths: One per device: what really happens when stages run side by side.
    ///   - seed: Of the noise.
    public init(devices: [DeviceSpec], truths: [any TrueContention], seed: UInt64 = 1) {
        self.devices = devices
        cluster = VirtualCluster(
            devices: devices,
            models: [],
            truths: truths,
            seed: seed
        )
    }

    /// Makes a model known; its number holds for as long as the devices do.
    func add(_ truth: ModelTruth) throws(EngineError) -> ModelID {
        monitor.lock()
        defer { monitor.unlock() }
        guard cluster.modelCount < Self.modelLimit else {
            throw EngineError(
                .outOfMemory,
                "the emulated devices have seen \(Self.modelLimit) models, which is their limit; "
                    + "start the server anew"
            )
        }
        return cluster.add(truth)
    }

    /// Where the latencies of a model on so many units of a device are; nil = it can't run there.
    func row(of model: ModelID, on device: DeviceID, units: Int32) -> Int32? {
        monitor.lock()
        defer { monitor.unlock() }
        return cluster.row(of: model, on: device, units: units)
    }

    /// Runs a stage; blocks until it has ended or was terminated.
    ///
    /// - Returns: When its parts began and ended.
    func run(_ order: StageOrder, _ seat: Seat) throws(EngineError) -> StageTimes {
        monitor.lock()
        defer { monitor.unlock() }
        settle()
        guard let job = cluster.begin(order, at: Self.now()) else {
            throw EngineError(
                .badInput,
                "a batch of \(order.items) lies beyond the emulated model's profile; lower the "
                    + "batch limit"
            )
        }
        seat.standing.job = job
        seat.standing.ended = nil
        waiting.append(seat)
        // The leader sleeps for what it knew; the new stage may end, or make others end, earlier.
        leader?.bell.ring()
        wait(seat)
        waiting.removeAll { $0 === seat }
        if leader === seat { leader = nil }
        // Whoever leaves looks for a leader: one whose stage has ended already won't be it.
        if leader == nil {
            waiting.first { $0.standing.ended == nil && !$0.standing.stopping }?.bell.ring()
        }
        guard let ended = seat.standing.ended else {
            cluster.abort(job, at: Self.now())
            throw EngineError(.terminated, "the run was terminated")
        }
        return StageTimes(
            copyInBegan: ended.began,
            copyInEnded: ended.copyInEnded,
            runBegan: ended.copyInEnded,
            runEnded: ended.runEnded,
            copyOutBegan: ended.runEnded,
            copyOutEnded: ended.at
        )
    }

    /// Forgets a wish to stop that came for an earlier batch.
    func prepare(_ seat: Seat) {
        monitor.lock()
        seat.standing.stopping = false
        monitor.unlock()
    }

    /// Whether nothing runs.
    var isIdle: Bool {
        monitor.lock()
        defer { monitor.unlock() }
        return waiting.isEmpty
    }

    /// Ends the seat's present run, or the one that it was prepared for.
    func terminate(_ seat: Seat) {
        monitor.lock()
        seat.standing.stopping = true
        seat.bell.ring()
        monitor.unlock()
    }

    /// Waits until the seat's stage has ended, or is to stop.
    private func wait(_ seat: Seat) {
        while true {
            settle()
            if seat.standing.ended != nil || seat.standing.stopping { return }
            if leader == nil { leader = seat }
            let next = cluster.next
            if leader === seat, next != .distantFuture {
                seat.bell.wait(on: monitor, until: next.nanoseconds)
            } else {
                seat.bell.wait(on: monitor)
            }
        }
    }

    /// Tells those whose stages have ended by now.
    private func settle() {
        let now = Self.now()
        while let ended = cluster.finish(at: now) {
            // A stage that nobody waits for was aborted and can't end; so there is one.
            guard
                let owner = waiting.first(where: {
                    $0.standing.job == ended.job && $0.standing.ended == nil
                })
            else { continue }
            owner.standing.ended = ended
            owner.bell.ring()
        }
    }

    private static func now() -> Instant { Instant(nanoseconds: Monitor.now()) }
}
