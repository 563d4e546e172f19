import Planning
import ServingDomain

/// (d) the fluctuation run and devices needed, (f) ablations.
extension GpuLetsReproduction {
    mutating func followFluctuation() throws(PlanError) {
        let run = try FluctuationRun()
        // The loop's own headroom of 1.2 to 1.5 stands for inflation there.
        for planner in ["temporal:ratio=1.1", "elastic:ratio=1.1", "self-tuning:ratio=1.1"] {
            let outcome = try run.run(
                planner: planner,
                seed: seed,
                duration: isQuick ? .seconds(600) : .seconds(1_800)
            )
            if let line = outcome.complaint { invalid.append("\(planner): \(line)") }
            let labels = [("planner", planner)]
            row("fluctuation: violations", labels, outcome.percent, "%")
            row("fluctuation: devices in use", labels, outcome.devices, "devices")
            row("fluctuation: gpulets in use", labels, outcome.gpulets, "gpulets")
            row("fluctuation: plans made", labels, Double(outcome.plans), "plans")
            if planner.hasPrefix("elastic") {
                result.checks.append(
                    ResultCheck(
                        "fluctuation under elastic",
                        kind: .claim,
                        goal: "at most \(PeakSearch.target) % violations over the run",
                        value: outcome.percent,
                        holds: outcome.percent <= PeakSearch.target
                    )
                )
            }
        }
    }

    /// The fewest devices for the demand that `temporal` serves with four (the ATC version saves
    /// devices).
    mutating func countDevices(_ peaks: [Found]) throws(PlanError) {
        var (fewer, more): ([String], [String]) = ([], [])
        for mix in GpuLetsMix.all {
            let search = try PeakSearch(mix, seed: seed)
            let found = peaks.first {
                $0.mix == mix && $0.planner == "temporal" && $0.margins == "released"
            }
            guard let multiple = found?.peak.planned, multiple > 0 else { continue }
            let inputs = search.inputs(at: multiple)
            var counts: [String: Int] = [:]
            for name in Self.planners where !name.hasPrefix("exhaustive") {
                guard let planner = Self.planner(name, "margins=released") else { continue }
                let count = try WhatIf.devicesNeeded(for: inputs, with: planner, limit: 16)
                counts[name] = count
                row(
                    "devices needed at temporal's highest rate",
                    [("mix", mix.name), ("planner", name), ("margins", "released")],
                    count.map(Double.init),
                    "devices"
                )
            }
            if let own = counts["elastic"], let other = counts["temporal"] {
                if own < other { fewer.append(mix.name) }
                if own > other { more.append(mix.name) }
            }
        }
        result.checks.append(
            ResultCheck(
                "devices needed, elastic against temporal",
                kind: .claim,
                goal: "never more, and fewer in at least one mix",
                value: Double(fewer.count),
                holds: more.isEmpty && !fewer.isEmpty,
                note: more.isEmpty
                    ? "fewer: \(fewer.joined(separator: ", "))"
                    : "more: \(more.joined(separator: ", "))"
            )
        )
    }

    /// What each part of elastic partitioning brings, against all of it.
    mutating func ablate() throws(PlanError) {
        let variants = [
            "spatial=off", "temporal=off", "interference=off", "maxGpulets=1", "maxGpulets=2",
            "maxGpulets=3", "maxGpulets=7",
        ]
        for (margins, option) in Self.settings {
            guard let whole = Self.planner("elastic", option) else { continue }
            for variant in variants {
                guard let changed = Self.planner("elastic:" + variant, option) else { continue }
                var (planned, confirmed, count) = (0.0, 0.0, 0.0)
                for mix in GpuLetsMix.all {
                    var search = try PeakSearch(mix, seed: seed)
                    let usual = try search.peak(of: whole, effort: ablationEffort)
                    // The papers' limit of two must not hold where more are asked for.
                    if variant.hasPrefix("maxGpulets") { search.liftLimit() }
                    let other = try search.peak(of: changed, effort: ablationEffort)
                    guard usual.planned > 0, usual.confirmed > 0 else { continue }
                    planned += other.planned / usual.planned
                    confirmed += other.confirmed / usual.confirmed
                    count += 1
                    audited += 1
                    if let line = other.violation { invalid.append("\(changed.name): \(line)") }
                }
                let labels = [("variant", variant), ("margins", margins)]
                row("ablation: planned rate", labels, 100 * planned / max(1, count), "% of elastic")
                row(
                    "ablation: confirmed rate",
                    labels,
                    100 * confirmed / max(1, count),
                    "% of elastic"
                )
            }
        }
    }

    /// Ablations compare many variants, so they are simulated shortly.
    private var ablationEffort: PeakSearch.Effort {
        isQuick
            ? PeakSearch.Effort(seeds: 1, duration: .seconds(5), steps: 5)
            : .brief
    }
}
