import ServerCore
import ServingDomain

/// Independent arrivals at a part of what the device can do, with the wait inside the objective.
struct OpenLoop: Sendable {
    let device: P40Device
    let label: String
    /// Requests per second, and the part of the optimum's rate that this is.
    let rate: Double, load: Double
    let ledger: LoopLedger
    let length: TimeSpan

    private static let cases: [(Int, P40Device.Regime)] = [(9, .serialDecode), (15, .gpuBound)]
    private static let loads = [0.5, 0.7]

    static func all(seconds: Int64, seed: UInt64) throws(ConfigurationError) -> [OpenLoop] {
        var found: [OpenLoop] = []
        for (number, regime) in cases {
            guard let job = P40Job.all.first(where: { $0.number == number }) else { continue }
            let device = P40Device(job, regime)
            for load in loads {
                for contender in JobRun.contenders where contender.label != "dnnscaler:listed" {
                    found.append(try OpenLoop(device, contender, load, seconds, seed))
                }
            }
        }
        return found
    }

    private init(
        _ device: P40Device,
        _ contender: JobRun.Contender,
        _ load: Double,
        _ seconds: Int64,
        _ seed: UInt64
    ) throws(ConfigurationError) {
        self.device = device
        label = contender.label
        self.load = load
        length = .seconds(seconds * 2)
        let best = device.optimum(sloMs: device.job.sloMs).map { device.rate($0) }
        rate = (best ?? 1) * load
        var world = JobRun.world(device)
        world.poisson = rate
        // Here the wait counts, so `confluence` is told that requests queue.
        let isOurs = contender.label == "confluence"
        let name = isOurs ? "confluence" : JobRun.name(contender, device.job)
        var loop = try ClosedLoop(scaler: name, world, seed: seed)
        loop.run(until: .zero + length)
        ledger = loop.ledger
    }

    /// Requests answered in time of those that ended, over all the time.
    var inTime: Double {
        let ended = ledger.served + ledger.late + ledger.lost
        return Double(ledger.served) / Double(max(1, ended))
    }

    var rows: [ResultRow] {
        let labels: [ResultRow.Label] = [
            .init("regime", device.regime.rawValue), .init("job", "\(device.job.number)"),
            .init("load", "\(load)"), .init("scaler", label),
        ]
        return [
            ResultRow(
                "open loop, answered in time",
                labels: labels,
                measured: inTime * 100,
                unit: "%",
                basis: .simulated
            )
        ]
    }

    static func checks(_ runs: [OpenLoop]) -> [ResultCheck] {
        let cases = runs.filter { $0.label == "confluence" }
        let beaten = cases.filter { ours in
            let others = runs.filter {
                $0.device == ours.device && $0.load == ours.load && $0.label != "confluence"
            }
            return others.contains { $0.inTime > ours.inTime + 0.005 }
        }
        return [
            ResultCheck(
                "confluence answers most in time under open arrivals",
                kind: .claim,
                goal: "none of the others more, start-up included",
                value: cases.map { $0.inTime * 100 }.min(),
                holds: beaten.isEmpty,
                note: beaten.map { "beaten on job \($0.device.job.number) at \($0.load)" }
                    .joined(separator: "; ")
            )
        ]
    }
}
