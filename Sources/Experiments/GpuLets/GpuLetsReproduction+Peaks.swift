import Planning
import ServingDomain

/// (b) highest rates, (c) interference awareness, and the headline.
extension GpuLetsReproduction {
    /// What was found for one mix, planner and setting of the margins.
    struct Found {
        let mix: GpuLetsMix
        let planner: String
        let margins: String
        let peak: PeakSearch.Peak
    }

    /// The two settings that highest rates are given for: the papers' test as it is, and with
    /// everything that the released code adds.
    static let settings = [("none", ""), ("released", "margins=released")]

    mutating func findPeaks() throws(PlanError) -> [Found] {
        var all: [Found] = []
        for mix in GpuLetsMix.all {
            let search = try PeakSearch(mix, seed: seed)
            for (margins, option) in Self.settings {
                for name in Self.planners + ["elastic:order=released"] {
                    guard let planner = Self.planner(name, option) else { continue }
                    let peak = try search.peak(of: planner, effort: effort)
                    all.append(Found(mix: mix, planner: name, margins: margins, peak: peak))
                    if name.contains("order=released") {
                        brokenByRelease += peak.violation == nil ? 0 : 1
                    } else {
                        audited += 1
                        if let line = peak.violation {
                            invalid.append("\(planner.name): \(line)")
                        }
                    }
                    if let line = peak.complaint { invalid.append("\(planner.name): \(line)") }
                    tell(all[all.count - 1])
                }
            }
            try findWholeSystem(mix, search)
        }
        return all
    }

    private mutating func tell(_ found: Found) {
        let labels = [
            ("mix", found.mix.name), ("planner", found.planner), ("margins", found.margins),
        ]
        row("highest rate, planned", labels, found.mix.rate(at: found.peak.planned), "r/s")
        row("highest rate, confirmed", labels, found.mix.rate(at: found.peak.confirmed), "r/s")
        row("violations at the planned rate", labels, found.peak.violationsAtPlanned, "%")
    }

    /// The second row: planner and policy of the system `confluence`, where there are both.
    private mutating func findWholeSystem(
        _ mix: GpuLetsMix,
        _ search: PeakSearch
    ) throws(PlanError) {
        guard let planner = Self.planner("confluence"),
            let peak = try? search.peak(of: planner, policy: "confluence", effort: effort)
        else { return }
        let labels = [("mix", mix.name), ("system", "confluence")]
        row("highest rate, confirmed", labels, mix.rate(at: peak.confirmed), "r/s")
    }

    // MARK: Claims

    mutating func judge(_ peaks: [Found]) throws(PlanError) {
        func rate(_ mix: GpuLetsMix, _ planner: String, _ margins: String) -> Double? {
            peaks.first {
                $0.mix == mix && $0.planner == planner && $0.margins == margins
            }.map { mix.rate(at: $0.peak.confirmed) }
        }
        var exceptions: [String] = []
        for mix in GpuLetsMix.all {
            guard let left = rate(mix, "elastic", "released"),
                let right = rate(mix, "temporal", "released")
            else { continue }
            if left <= right {
                exceptions.append("\(mix.name): \(Int(left)) to \(Int(right)) r/s")
            }
        }
        result.checks.append(
            ResultCheck(
                "elastic against temporal in every mix",
                kind: .claim,
                goal: "a higher confirmed rate, margins as released",
                value: Double(GpuLetsMix.all.count - exceptions.count),
                holds: exceptions.isEmpty,
                note: exceptions.joined(separator: "; ")
            )
        )
        judgeConfluence(peaks, rate)
    }

    private mutating func judgeConfluence(
        _ peaks: [Found],
        _ rate: (GpuLetsMix, String, String) -> Double?
    ) {
        let own = peaks.filter { $0.planner == "confluence" && $0.margins == "none" }
        guard !own.isEmpty else { return }
        let missed = own.filter { $0.peak.violationsAtPlanned > PeakSearch.target }
        result.checks.append(
            ResultCheck(
                "confluence keeps its target",
                kind: .gate,
                goal: "at most \(PeakSearch.target) % violations wherever it says schedulable",
                value: own.map(\.peak.violationsAtPlanned).max(),
                holds: missed.isEmpty,
                note: missed.map(\.mix.name).joined(separator: ", ")
            )
        )
        var ratios: [Double] = []
        for mix in GpuLetsMix.all {
            guard let left = rate(mix, "confluence", "none"),
                let right = rate(mix, "elastic", "released"), right > 0
            else { continue }
            ratios.append(left / right)
        }
        let mean = ratios.reduce(0, +) / Double(max(1, ratios.count))
        result.checks.append(
            ResultCheck(
                "confluence against elastic",
                kind: .claim,
                goal: "mean confirmed rate at least 1.25 times as high, elastic with margins",
                value: mean,
                holds: mean >= 1.25
            )
        )
    }

    // MARK: (c)

    /// At the rate that either planner calls its highest: violations with and without awareness.
    mutating func compareAwareness() throws(PlanError) {
        for mix in GpuLetsMix.all {
            let search = try PeakSearch(mix, seed: seed)
            for (margins, option) in Self.settings {
                guard let blind = Self.planner("elastic:interference=off", option),
                    let aware = Self.planner("elastic", option)
                else { continue }
                // Both at the rate of the one that sees neighbours: equal demand.
                let multiple = try search.planned(by: aware).multiple
                for (name, planner) in [("on", aware), ("off", blind)] {
                    let plan = try planner.plan(search.inputs(at: multiple))
                    let run = try search.violations(of: plan, at: multiple, effort: effort)
                    row(
                        "violations at elastic's highest rate",
                        [("mix", mix.name), ("margins", margins), ("interference", name)],
                        run.percent,
                        "%"
                    )
                }
            }
        }
    }

    // MARK: Headline

    /// `elastic` over `temporal`, mean over the mixes, at every setting of the knobs.
    mutating func rangeOfHeadline() throws(PlanError) {
        for (margins, option) in Self.settings {
            for isConfirmed in [false, true] {
                // Without margins nothing is confirmed at a rate worth comparing.
                if isConfirmed, margins == "none" { continue }
                var gains: [Double] = []
                for knobs in PresetKnobs.range {
                    // Quick runs confirm the calibrated setting only.
                    if isConfirmed, isQuick, knobs != PresetKnobs() { continue }
                    gains.append(try gain(knobs, option, isConfirmed))
                }
                let labels = [
                    ("margins", margins), ("rates", isConfirmed ? "confirmed" : "planned"),
                ]
                tellHeadline(labels, gains)
            }
        }
    }

    private mutating func tellHeadline(_ labels: [(String, String)], _ gains: [Double]) {
        let isMain = labels.contains { $0.1 == "confirmed" }
        for (version, published) in [("arXiv", 102.6), ("ATC", 61.7)] where isMain {
            row(
                "elastic over temporal, mean over the mixes",
                labels + [("knobs", "calibrated"), ("beside", version)],
                published: published,
                gains.first,
                "%"
            )
        }
        if !isMain {
            row(
                "elastic over temporal, mean over the mixes",
                labels + [("knobs", "calibrated")],
                gains.first,
                "%"
            )
        }
        guard gains.count > 1 else { return }
        for (name, value) in [("lowest", gains.min()), ("highest", gains.max())] {
            row(
                "elastic over temporal, mean over the mixes",
                labels + [("knobs", "\(name) of \(gains.count)")],
                value,
                "%"
            )
        }
    }

    private func gain(
        _ knobs: PresetKnobs,
        _ option: String,
        _ isConfirmed: Bool
    ) throws(PlanError) -> Double {
        guard let elastic = Self.planner("elastic", option),
            let temporal = Self.planner("temporal", option)
        else { return 0 }
        var sum = 0.0
        for mix in GpuLetsMix.all {
            let search = try PeakSearch(mix, knobs: knobs, seed: seed)
            let (left, right): (Double, Double)
            if isConfirmed {
                let effort: PeakSearch.Effort = isQuick ? .quick : .brief
                left = try search.peak(of: elastic, effort: effort).confirmed
                right = try search.peak(of: temporal, effort: effort).confirmed
            } else {
                left = try search.planned(by: elastic).multiple
                right = try search.planned(by: temporal).multiple
            }
            if right > 0 { sum += left / right - 1 }
        }
        return 100 * sum / Double(GpuLetsMix.all.count)
    }
}
