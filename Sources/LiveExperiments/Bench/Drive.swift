import LoadGenerator
import ServingDomain
import Workloads

/// A load that is sent to a server, and what came of it.
struct Drive: Sendable {
    /// One model's requests.
    struct Traffic: Sendable {
        var model: String
        var process: ArrivalProcess
        /// What takes longer is late, whoever says so; nil = the server's word alone.
        var sloMs: Double?
    }

    /// Who is asked, and how often.
    var traffic: [Traffic]
    /// Before anything is counted, and the counted part, in seconds.
    var warmUp: Double, seconds: Double
    /// The seed of arrivals.
    var seed: UInt64
    /// The most requests out at once; beyond, requests are not sent, which counts as violation.
    var maxInFlight = 1_024

    /// Whether inputs lie in memory that client and server share: where the question is not the
    /// wire, which client and server carry on the same cores.
    var isShared = false

    /// Sends the load; latency counts from the intended time.
    func run(to url: String) async throws -> LoadReport {
        var configuration = LoadConfiguration(
            url: url,
            models: traffic.map { one in
                ModelLoad(
                    name: one.model,
                    process: one.process,
                    objective: one.sloMs.map { .milliseconds(rounding: $0) }
                )
            },
            duration: .milliseconds(rounding: seconds * 1_000)
        )
        configuration.warmUp = .milliseconds(rounding: warmUp * 1_000)
        configuration.payload = isShared ? .shared : .binary
        configuration.drain = .seconds(5)
        configuration.maxInFlight = maxInFlight
        configuration.seed = seed
        return try await LoadRunner(configuration).run()
    }
}

extension LiveMix {
    /// The load of this mix with independent arrivals, or in bursts.
    func traffic(at load: Double, bursty: Bool = false) -> [Drive.Traffic] {
        members.map { member in
            let rate = rate(of: member, at: load)
            return Drive.Traffic(
                model: member.name,
                process: bursty ? .bursty(Self.burst(rate: rate)) : .poisson(rate: rate),
                sloMs: member.sloMs
            )
        }
    }

    /// As `bursty` elsewhere, four times the calm rate within bursts and a fifth of the time, but
    /// with phases of a fifth of the length, so that a short probe sees several.
    static func burst(rate: Double) -> Burst {
        var burst = Burst.standard(rate: rate)
        burst.meanCalm = .milliseconds(800)
        burst.meanBurst = .milliseconds(200)
        return burst
    }
}
