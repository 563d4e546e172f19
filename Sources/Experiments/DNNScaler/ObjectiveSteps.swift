import ServerCore
import ServingDomain

/// A job whose objective is halved after a third of the time and doubled, against the first,
/// after two thirds.
struct ObjectiveSteps: Sendable {
    let device: P40Device
    let label: String
    let ledger: LoopLedger
    /// When each part began, its objective, and the optimum's rate.
    let parts: [(began: Instant, sloMs: Double, optimum: Double?)]
    let length: TimeSpan

    /// A large net as in the paper, and a small one with ready input.
    private static let cases: [(Int, P40Device.Regime)] = [(9, .serialDecode), (15, .gpuBound)]

    static func all(
        seconds: Int64,
        seed: UInt64
    ) throws(ConfigurationError) -> [ObjectiveSteps] {
        var found: [ObjectiveSteps] = []
        for (number, regime) in cases {
            guard let job = P40Job.all.first(where: { $0.number == number }) else { continue }
            for contender in JobRun.contenders where contender.label != "dnnscaler:listed" {
                let device = P40Device(job, regime)
                found.append(try ObjectiveSteps(device, contender, seconds * 2, seed))
            }
        }
        return found
    }

    private init(
        _ device: P40Device,
        _ contender: JobRun.Contender,
        _ seconds: Int64,
        _ seed: UInt64
    ) throws(ConfigurationError) {
        self.device = device
        label = contender.label
        length = .seconds(seconds)
        let third = TimeSpan(nanoseconds: length.nanoseconds / 3)
        var loop = try ClosedLoop(
            scaler: JobRun.name(contender, device.job),
            JobRun.world(device),
            seed: seed
        )
        var parts: [(began: Instant, sloMs: Double, optimum: Double?)] = []
        for (place, factor) in [1, 0.5, 2].enumerated() {
            let sloMs = device.job.sloMs * factor
            if place > 0 { loop.setObjective(.milliseconds(rounding: sloMs)) }
            let best = device.optimum(sloMs: sloMs).map { device.rate($0) }
            parts.append((loop.now, sloMs, best))
            loop.run(until: loop.now + third)
        }
        ledger = loop.ledger
        self.parts = parts
    }

    private func end(of place: Int) -> Instant {
        place + 1 < parts.count ? parts[place + 1].began : .zero + length
    }

    /// The windows of the second half of a part.
    private func settled(_ place: Int) -> [LoopLedger.Window] {
        let (began, end) = (parts[place].began, end(of: place))
        let half = began + TimeSpan(nanoseconds: (end - began).nanoseconds / 2)
        return ledger.windows.filter { $0.began >= half && $0.ended <= end }
    }

    /// The rate in the second half of a part over the optimum's.
    func share(_ place: Int) -> Double? {
        let windows = settled(place)
        let time = windows.reduce(0) { $0 + $1.length.inSeconds }
        guard time > 0, let optimum = parts[place].optimum else { return nil }
        return Double(windows.reduce(0) { $0 + $1.items }) / time / optimum
    }

    /// The part of those windows that miss the objective.
    func missed(_ place: Int) -> Double {
        let windows = settled(place)
        return Double(windows.count { $0.isViolated }) / Double(max(1, windows.count))
    }

    var rows: [ResultRow] {
        parts.indices.flatMap { place in
            let labels: [ResultRow.Label] = [
                .init("regime", device.regime.rawValue), .init("job", "\(device.job.number)"),
                .init("scaler", label), .init("part", ["first", "halved", "doubled"][place]),
            ]
            return [
                ResultRow(
                    "objective step, share of the optimum",
                    labels: labels,
                    measured: share(place).map { $0 * 100 },
                    unit: "%",
                    basis: .simulated
                ),
                ResultRow(
                    "objective step, windows beyond it",
                    labels: labels,
                    measured: missed(place) * 100,
                    unit: "%",
                    basis: .simulated
                ),
            ]
        }
    }

    static func checks(_ steps: [ObjectiveSteps]) -> [ResultCheck] {
        let ours = steps.filter { $0.label == "confluence" }
        let shares = ours.flatMap { step in step.parts.indices.compactMap { step.share($0) } }
        let missed = ours.flatMap { step in step.parts.indices.map { step.missed($0) } }
        let least = shares.min() ?? 0
        let most = missed.max() ?? 1
        return [
            ResultCheck(
                "confluence follows an objective that is halved and doubled",
                kind: .claim,
                goal: "97 % of each optimum, at most 1 window in 20 beyond the objective",
                value: least * 100,
                holds: least >= 0.97 && most <= 0.05,
                note: "worst part: \(Int(most * 100)) % of its windows beyond the objective"
            )
        ]
    }
}
