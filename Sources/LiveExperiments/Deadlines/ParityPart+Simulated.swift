import Documents
import Foundation
import LoadGenerator
import ServingDomain
import Simulation
import VirtualDevices
import Workloads

/// The simulated half of part (d).
extension ParityPart {
    /// What lies around batches in a live run.
    struct Surroundings: Hashable, Sendable {
        /// What waking a lane's thread takes, in milliseconds: no server tells it. Seen in
        /// journals of this part: 0.08 to 0.11 in the mean, two thirds of it with a core free.
        static let wake = 0.1
        /// The most that the way between client and server is taken for, in milliseconds.
        static let mostTransport = 5.0

        /// From a launch until the engine runs: the thread's wake-up, and gathering inputs.
        var launch: TimeSpan
        /// Between client and server, there and back.
        var transport: TimeSpan

        /// Reads them from what server and client counted of the same requests.
        init(_ counts: [String: ModelCounts], _ report: LoadReport) {
            let sizes = counts.values.flatMap(\.sizes)
            let batches = sizes.reduce(0) { $0 + $1.batches }
            let gathering = sizes.reduce(0) { $0 + $1.gathering }
            let gather = batches > 0 ? 1_000 * gathering / Double(batches) : 0
            launch = .milliseconds(rounding: Self.wake + gather)

            let lines = report.models.map {
                (count: Double($0.served + $0.late), $0.latencyMs.mean)
            }
            let seen = lines.reduce(0) { $0 + $1.count * ($1.1 ?? 0) }
            let count = lines.reduce(0) { $0 + $1.count }
            let answered = counts.values.reduce(0) { $0 + $1.answered }
            let answering = counts.values.reduce(0) { $0 + $1.answering }
            let way =
                count > 0 && answered > 0
                ? seen / count - 1_000 * answering / Double(answered) : 0
            transport = .milliseconds(rounding: min(max(0, way), Self.mostTransport))
        }
    }

    /// What each member gets of the trace, in the mean over simulations that differ in noise.
    func simulated(
        _ mix: LiveMix,
        _ traces: [[TimeSpan]],
        _ profiles: [Profile],
        _ spreads: [Double],
        _ around: Surroundings
    ) throws -> [Pair.Side] {
        var setup = try setup(mix, traces, profiles, spreads)
        setup.durations.launch = around.launch
        setup.durations.transport = around.transport
        var sides = mix.members.map { _ in Pair.Side(goodput: 0, violations: 0) }
        let part = 1 / Double(Self.simulations)
        for number in 0..<Self.simulations {
            setup.seed = bench.options.seed &+ number
            let ledger: Ledger
            do { ledger = try Simulator.run(setup) } catch { throw LiveError(error.message) }
            for place in mix.members.indices {
                let counts = ledger.counts(of: ModelID(Int32(place)))
                sides[place].goodput +=
                    part * Double(counts.served) / max(1e-9, ledger.measured.inSeconds)
                sides[place].violations += part * counts.violationPercent
            }
        }
        return sides
    }

    private func setup(
        _ mix: LiveMix,
        _ traces: [[TimeSpan]],
        _ profiles: [Profile],
        _ spreads: [Double]
    ) throws -> SimulationSetup {
        let device = DeviceSpec.oneCore
        var library = ProfileLibrary()
        for profile in profiles { try library.add(profile, source: profile.model) }
        var models: [SimulatedModel] = []
        for (place, member) in mix.members.enumerated() {
            let id = ModelID(Int32(place))
            var spec = try library.spec(id, of: member.name, on: [device])
            spec.slo = .milliseconds(rounding: member.sloMs)
            let level: Int32 = member.priority == .high ? 1 : 2
            spec.priorities = PriorityRules(levels: 2, defaultLevel: level)
            spec.batching = BatchingRules(dynamic: true)
            let known = profiles.firstIndex { $0.model == member.name }
            let spread = known.map { spreads[$0] } ?? 0
            models.append(SimulatedModel(spec, truth: ModelTruth(of: spec, spread: spread)))
        }
        var setup = SimulationSetup(
            devices: [device],
            models: models,
            loads: traces.enumerated().map { RequestLoad(ModelID(Int32($0)), .trace($1)) },
            duration: .milliseconds(rounding: seconds * 1_000)
        )
        setup.plans = .planner(Self.planner)
        setup.policy = Self.policy
        return setup
    }

    /// What a run's time varies by at most, as the standard deviation of its logarithm: the
    /// simulator's noise is log-normal, and further out no machine's is.
    static let mostSpread = 0.5

    /// How much a model's times vary: as `seen` in the live run; where too little was, as the
    /// profile's median and 99th percentile at batch 1 say (2.33 deviations apart).
    static func spread(_ seen: Double?, over profile: Profile) -> Double {
        if let seen { return min(mostSpread, seen) }
        guard let row = profile.latency.first(where: { $0.batch == 1 }), let p99 = row.p99Ms,
            row.ms > 0, p99 > row.ms
        else { return 0 }
        return min(mostSpread, log(p99 / row.ms) / 2.33)
    }

    /// How much longer a server's batches took than the profile says; 1 where there are none.
    static func factor(_ counts: ModelCounts?, over profile: Profile) -> Double {
        guard let counts, let surface = profile.surfaceOnOneCore else { return 1 }
        var (found, told) = (0.0, 0.0)
        for size in counts.sizes {
            guard let each = surface.latency(batch: Int32(size.items), units: 1) else { continue }
            found += size.seconds
            told += Double(size.batches) * each.inSeconds
        }
        return found > 0 && told > 0 ? found / told : 1
    }
}

extension DeviceSpec {
    /// The device of part (d).
    fileprivate static let oneCore = DeviceSpec(
        id: DeviceID(0),
        name: "cpu0",
        kind: "cpu",
        units: 1
    )
}

extension Profile {
    /// Its latencies on the device of part (d); nil where it has none there.
    var surfaceOnOneCore: LatencySurface? { try? surface(on: .oneCore) }

    /// The same with all latencies multiplied.
    func scaled(by factor: Double) -> Profile {
        var scaled = self
        for place in scaled.latency.indices {
            scaled.latency[place].ms *= factor
            scaled.latency[place].p99Ms = scaled.latency[place].p99Ms.map { $0 * factor }
        }
        return scaled
    }
}
