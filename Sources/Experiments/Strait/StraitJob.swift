import Planning
import RealModule
import ServingDomain
public import Simulation
import Workloads

/// One simulation of the reproduction: a cell, a policy and a seed.
public struct StraitJob: Hashable, Sendable {
    /// The cell.
    public var cell: StraitCell
    /// The policy.
    public var policy: StraitPolicyCase
    /// The seed; runs of one seed have the same arrivals and noise under every policy.
    public var seed: UInt64
    /// The load's length without its warm-up, and the warm-up.
    public var seconds: Int64, warmUp: Int64
    /// Whether every event is audited.
    public var isAudited = false

    /// Creates a job.
    public init(
        _ cell: StraitCell,
        _ policy: StraitPolicyCase,
        seed: UInt64,
        seconds: Int64,
        warmUp: Int64
    ) {
        self.cell = cell
        self.policy = policy
        self.seed = seed
        self.seconds = seconds
        self.warmUp = warmUp
    }

    /// Runs it. Cost: about a second per hundred thousand requests.
    ///
    /// - Throws: `SimulationError` where the setup is wrong.
    public func run() throws(SimulationError) -> StraitSample {
        do {
            let world = try StraitWorld(networks)
            let setup = try setup(world)
            let (ledger, forecast) = try Simulator.run(forecasting: setup)
            return StraitSample(self, world, setup, ledger, forecast)
        } catch let error as PlanError {
            throw SimulationError(error.message)
        } catch let error as SimulationError {
            throw error
        } catch {
            throw SimulationError("a run could not be made: \(error)")
        }
    }

    private var networks: [String] {
        if cell.workload != nil { return StraitWorld.disbNetworks }
        return StraitWorld.networks + (cell.drift == .models ? StraitWorld.others : [])
    }

    private func setup(_ world: StraitWorld) throws(PlanError) -> SimulationSetup {
        // One instance more than slots: a batch between two stages keeps its own.
        let most: Int32 = cell.drift == .slots ? 4 : cell.slots
        let models = world.models(cell, instances: most + 1)
        var setup = SimulationSetup(
            devices: devices(world),
            models: models,
            loads: loads(world),
            duration: .seconds(seconds + warmUp)
        )
        setup.seed = seed
        setup.warmUp = .seconds(warmUp)
        setup.policy = policy.policy
        setup.truths = setup.devices.map { _ in world.truth(hasStreams: policy.hasStreams) }
        setup.plans =
            cell.drift == .slots
            ? .custom(SteppedPlanner()) : .planner("whole:slots=\(cell.slots)")
        if let fit = (try StraitWorld(StraitWorld.networks)).pairwiseFit() {
            setup.priors = [PlanInputs.KindContention(kind: "l4", model: .loss(fit))]
        }
        setup.audits = isAudited
        setup.patience = .seconds(20)
        let half = Instant.zero + .seconds(warmUp) + .milliseconds(seconds * 500)
        switch cell.drift {
        case .power: setup.faults = [Fault(.slowDevice(DeviceID(0), milli: 1_430), at: half)]
        case .slots: setup.faults = [Fault(.deviceLost(DeviceID(1)), at: half)]
        case .models, .load, nil: break
        }
        return setup
    }

    private func devices(_ world: StraitWorld) -> [DeviceSpec] {
        // The step of slots is a plan made anew, for which a second, unused device is lost.
        let count = cell.drift == .slots ? 2 : cell.workload == nil ? cell.devices : 1
        return (0..<count).map { index in
            var device = world.preset.device(id: DeviceID(index), name: "l4-\(index)")
            if cell.sharesLink, let copy = device.copy {
                device.copy = CopySpec(
                    setup: copy.setup,
                    bytesPerSecond: copy.bytesPerSecond,
                    bothWaysMilli: copy.bothWaysMilli,
                    uplink: 0,
                    uplinkBytesPerSecond: copy.bytesPerSecond
                )
            }
            return device
        }
    }

    // MARK: Loads

    private func loads(_ world: StraitWorld) -> [RequestLoad] {
        if let workload = cell.workload { return disb(workload, world) }
        let half = Double(warmUp) + Double(seconds) / 2
        let end = Double(warmUp + seconds)
        return PriorityClass.allCases.flatMap { priority in
            world.names.indices.map { place in
                let part = priority == .high ? cell.highPart : 1 - cell.highPart
                let rate = world.rate(place, cell, of: StraitWorld.networks.count) * part
                var span = (0.0, end)
                if cell.drift == .models {
                    // The first three are there all the time, the last three come half-way.
                    if place >= 6 { span.0 = half } else if place >= 3 { span.1 = half }
                }
                let isDoubled = cell.drift == .load
                let process = StraitTraffic.process(
                    cell.traffic,
                    rate: rate,
                    from: span.0,
                    to: span.1,
                    doublesAt: isDoubled ? half : nil,
                    seed: seed,
                    stream: UInt64(place * 2 + (priority == .high ? 0 : 1))
                )
                let index = Int32(place + (priority == .high ? 0 : world.names.count))
                return RequestLoad(ModelID(index), process, level: level(priority))
            }
        }
    }

    private func level(_ priority: PriorityClass) -> Int32 {
        policy.ignoresClasses || priority == .low ? 2 : 1
    }

    /// DISB's clients: real-time ones of class high, best-effort ones of class low.
    private func disb(_ workload: StraitCell.Workload, _ world: StraitWorld) -> [RequestLoad] {
        let all = Array(world.names.indices)
        let (resnet, vgg) = (0, 2)
        func high(_ place: Int, _ process: ArrivalProcess) -> RequestLoad {
            RequestLoad(ModelID(Int32(place)), process, level: level(.high))
        }
        func low(_ place: Int) -> RequestLoad {
            RequestLoad(
                ModelID(Int32(place + world.names.count)),
                .closed(concurrency: 1),
                level: level(.low)
            )
        }
        switch workload {
        case .a: return [high(vgg, .uniform(rate: 100)), low(resnet)]
        case .b: return [high(vgg, .closed(concurrency: 1)), low(resnet)]
        case .c: return [high(vgg, .uniform(rate: 100))] + all.map(low)
        case .d: return all.map { high($0, .uniform(rate: 20)) } + all.map(low)
        case .e: return all.map { high($0, .poisson(rate: 20)) } + all.map(low)
        }
    }
}

/// Two batches at once while there are two devices, four when there is one; the first device has
/// all the work.
private struct SteppedPlanner: Planner {
    let name = "stepped"

    func plan(_ inputs: PlanInputs) throws(PlanError) -> Plan {
        let slots: Int32 = inputs.devices.count > 1 ? 2 : 4
        var first = inputs
        first.devices = Array(inputs.devices.prefix(1))
        return try WholePlanner(slots: slots).plan(first)
    }
}

/// Arrivals of the three kinds of traffic, within a span of time.
enum StraitTraffic {
    /// A process with a mean of `rate` requests per second.
    static func process(
        _ traffic: StraitCell.Traffic,
        rate: Double,
        from begin: Double,
        to end: Double,
        doublesAt: Double?,
        seed: UInt64,
        stream: UInt64
    ) -> ArrivalProcess {
        if traffic == .poisson, begin == 0, doublesAt == nil { return .poisson(rate: rate) }
        if traffic == .bursty {
            // 0.8 x calm + 0.2 x 5 x calm = rate.
            let calm = rate / 1.8
            return .bursty(
                Burst(
                    calmRate: calm,
                    burstRate: 5 * calm,
                    meanCalm: .milliseconds(800),
                    meanBurst: .milliseconds(200)
                )
            )
        }
        var dice = SeededGenerator(seed: seed ^ 0x5741_4954, stream: stream)
        var times: [TimeSpan] = []
        var now = begin
        while now < end {
            // Thinning at most: each second has one rate, gaps are exponential within it.
            var factor = 1.0
            if let doublesAt, now >= doublesAt { factor = 2 }
            if traffic == .uneven { factor *= uneven(seed, stream, second: Int(now)) }
            let gap = dice.exponential() / (rate * factor)
            let edge = now.rounded(.down) + 1
            if now + gap > edge {
                now = edge
                continue
            }
            now += gap
            if now < end { times.append(.milliseconds(rounding: now * 1_000)) }
        }
        return .trace(times.isEmpty ? [.milliseconds(rounding: begin * 1_000)] : times)
    }

    /// A log-normal factor of mean 1 and spread 0.8 for one second of one model.
    private static func uneven(_ seed: UInt64, _ stream: UInt64, second: Int) -> Double {
        var dice = SeededGenerator(
            seed: seed &* 31 &+ stream,
            stream: UInt64(second) &+ 0x9E37
        )
        // The sum of twelve uniform numbers is close to normal.
        var normal = -6.0
        for _ in 0..<12 { normal += dice.unit() }
        return exp(0.8 * normal - 0.32)
    }

    private static func exp(_ value: Double) -> Double { Double.exp(value) }
}
