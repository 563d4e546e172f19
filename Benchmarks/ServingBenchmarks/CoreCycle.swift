import ServerCore
import ServingDomain

/// A core that is told arrivals and ends of batches for ever, with a fixed number of requests
/// waiting: what a saturated server tells its core.
///
/// 100 models, all profiled, share one gpulet on which two batches run at once. Whenever a batch
/// ends, as many requests arrive as it answered, for models drawn at random, a fifth of them of
/// class high, with deadlines 150 to 250 ms away. Nothing expires.
struct CoreCycle: ~Copyable {
    private let models: Int32
    private let devices: Int32
    private let slots: Int32
    private static let batchTime = TimeSpan.microseconds(1_000)

    private var core: ServerCore
    private var buffer = ActionBuffer()
    private var now = Instant.zero
    private var dice: UInt64 = 0x9E37_79B9_7F4A_7C15
    private let waiting: Int
    private var missing = 0
    private var free: [RequestID] = []
    private var running: [BatchID] = []
    private var next = 0
    /// Events handled.
    private(set) var events = 0
    /// Requests answered with a result.
    private(set) var served = 0
    /// Requests that ended in any other way; the cycle is meant to have none.
    private(set) var lost = 0

    /// Creates a core with the policy `policy` and `waiting` requests in its queues.
    ///
    /// With several devices they have copy engines and a model's batches use them.
    init(
        policy: String,
        waiting: Int,
        models: Int32 = 100,
        devices: Int32 = 1,
        slots: Int32 = 2
    ) throws(ConfigurationError) {
        self.models = models
        self.devices = devices
        self.slots = slots
        let all = (0..<devices).map { Self.device($0, copies: devices > 1) }
        core = try ServerCore(CoreConfiguration(devices: all, policy: policy))
        self.waiting = waiting
        free = (0..<Int32(4 * waiting)).map { RequestID(slot: $0, generation: 0) }
        running.reserveCapacity(Int(slots * devices))
        for index in 0..<models { control(.modelAdded(Self.model(index, copies: devices > 1))) }
        missing = waiting + Int(slots * devices)
        while missing > 0 { arrive() }
        precondition(
            running.count == Int(slots * devices),
            "the core runs \(running.count) batches"
        )
        // Every model is measured and every array has its size before anything counts.
        for _ in 0..<100_000 { step() }
    }

    /// Tells the core one event.
    mutating func step() {
        if missing > 0 { arrive() } else { finish() }
    }

    private mutating func arrive() {
        guard let request = free.popLast() else { preconditionFailure("no free slot") }
        missing -= 1
        let drawn = draw()
        let deadline = now + .microseconds(150_000 + Int64(drawn >> 44 & 0xFFFF) * 100 / 65)
        send(
            .arrived(
                Arrival(
                    request: request,
                    model: ModelID(Int32(drawn % UInt64(models))),
                    level: drawn >> 32 & 0xFF < 51 ? 1 : 2,
                    arrival: now,
                    deadline: deadline
                )
            )
        )
    }

    private mutating func finish() {
        now = now + TimeSpan(nanoseconds: Self.batchTime.nanoseconds / Int64(slots * devices))
        let began = now - Self.batchTime
        let times = StageTimes(
            copyInBegan: began,
            copyInEnded: began,
            runBegan: began,
            runEnded: now,
            copyOutBegan: now,
            copyOutEnded: now
        )
        // The batches end in the order in which they began.
        let batch = running[next]
        last = next
        next = (next + 1) % running.count
        send(.batchFinished(batch, times))
    }

    /// Where the batch stood that ended last: the one that follows takes its place.
    private var last = 0

    private mutating func send(_ event: Event) {
        buffer.removeAll()
        core.handle(event, at: now, into: &buffer)
        events += 1
        for place in buffer.actions.indices {
            switch buffer.actions[place] {
            case .launch(let order): launched(order.batch)
            case .reply(let request, let outcome): end(request, isServed: outcome == .served)
            case .timeout(let request), .drop(let request, _), .refuse(let request, _):
                end(request, isServed: false)
            default: break
            }
        }
    }

    private mutating func launched(_ batch: BatchID) {
        if running.count < Int(slots * devices) {
            running.append(batch)
        } else {
            running[last] = batch
        }
    }

    private mutating func end(_ request: RequestID, isServed: Bool) {
        if isServed { served += 1 } else { lost += 1 }
        missing += 1
        free.append(RequestID(slot: request.slot, generation: request.generation &+ 1))
    }

    private mutating func draw() -> UInt64 {
        dice ^= dice << 13
        dice ^= dice >> 7
        dice ^= dice << 17
        return dice
    }

    // MARK: Models come in

    /// Tells the core a fact and everything that a driver reports in answer to its orders.
    private mutating func control(_ event: Event) {
        var facts = [event]
        while !facts.isEmpty {
            buffer.removeAll()
            core.handle(facts.removeFirst(), at: now, into: &buffer)
            for action in buffer.actions {
                switch action {
                case .computePlan(let epoch, let inputs):
                    facts.append(.planReady(epoch, Self.plan(inputs, slots)))
                case .rollout(let epoch, let step): facts.append(.stepDone(epoch, step))
                case .startInstance(let order): facts.append(.instanceReady(order.instance, []))
                case .stopInstance(let instance): facts.append(.instanceGone(instance, .stopped))
                default: preconditionFailure("no request is here yet")
                }
            }
        }
    }

    private static func device(_ index: Int32, copies: Bool) -> DeviceSpec {
        let copy = CopySpec(
            setup: .microseconds(10),
            bytesPerSecond: 24_000_000_000,
            bothWaysMilli: 900,
            uplink: index / 2,
            uplinkBytesPerSecond: 30_000_000_000
        )
        return DeviceSpec(
            id: DeviceID(index),
            name: "d\(index)",
            kind: "bench",
            units: 4,
            copyEngines: copies ? 2 : 0,
            copy: copies ? copy : nil
        )
    }

    private static func model(_ index: Int32, copies: Bool) -> ModelSpec {
        let points = (1...8).map { (batch: Int32) in
            LatencySurface.Point(
                batch: batch,
                units: 4,
                latency: .microseconds(900 + 100 * Int64(batch))
            )
        }
        var spec = ModelSpec(
            id: ModelID(index),
            name: "m\(index)",
            maxBatch: 8,
            priorities: PriorityRules(levels: 2, defaultLevel: 2),
            surface: LatencySurface(points)
        )
        guard copies else { return spec }
        let part = Double(index % 5 + 1) / 8
        var profile = DeviceProfile(kind: "bench", surface: LatencySurface(points))
        profile.utilization = [Utilization(batch: 1, sm: part, l2: part / 2, dram: 1 - part)]
        spec.set(profile)
        spec.inputBytes = 150_528
        spec.outputBytes = 4_000
        return spec
    }

    private static func plan(_ inputs: PlanInputs, _ slots: Int32) -> Plan {
        let lanes = inputs.models.map {
            Plan.LanePlacement(model: $0.id, batchLimit: $0.maxBatch, instances: 1)
        }
        let devices = inputs.devices.map { device in
            let gpulet = Plan.GpuletLayout(
                units: device.units,
                slots: slots,
                dutyCycle: nil,
                lanes: lanes
            )
            return Plan.DeviceLayout(device: device.id, gpulets: [gpulet])
        }
        return Plan(planner: "benchmark", devices: devices)
    }
}

/// A cycle that benchmarks share: one access for a whole run, since Swift checks each.
final class CoreDrive {
    private var cycle: CoreCycle

    /// Makes the cycle.
    init(
        policy: String,
        waiting: Int,
        models: Int32 = 100,
        devices: Int32 = 1,
        slots: Int32 = 2
    ) throws(ConfigurationError) {
        cycle = try CoreCycle(
            policy: policy,
            waiting: waiting,
            models: models,
            devices: devices,
            slots: slots
        )
    }

    /// Requests that were not served; there should be none.
    var lost: Int { cycle.lost }

    /// Tells the core `count` events.
    func run(_ count: Int) {
        Self.run(&cycle, count)
    }

    private static func run(_ cycle: inout CoreCycle, _ count: Int) {
        for _ in 0..<count { cycle.step() }
    }
}
