import Reports

/// One network: its grid, what the scalers chose, and both measured in turn.
struct ScalerStudy: Hashable, Sendable {
    /// What one scaler came to.
    struct Choice: Hashable, Sendable {
        var scaler: String
        /// Where it stands, in settings of the grid; nil = nothing was seen.
        private(set) var setting: CellGrid.Setting?
        /// When it came there, in seconds under load.
        private(set) var since = 0.0
        /// Whether it has stood there for a while.
        var isSettled = false
        /// Why there is none.
        var refusal: String?

        init(scaler: String, refusal: String? = nil) {
            self.scaler = scaler
            self.refusal = refusal
        }

        /// Takes note of what was seen at a moment.
        mutating func note(_ seen: LiveSetting, at seconds: Double) {
            let next = CellGrid.nearest(batch: seen.batch, instances: seen.instances)
            guard next != setting else { return }
            setting = next
            since = seconds
        }
    }

    let network: String
    let sloMs: Double
    var grid = CellGrid()
    var choices: [Choice] = []
    /// Round by round: the grid's best first, then the other settings that were chosen.
    var rounds: [[CellGrid.Cell]] = []

    /// A setting against the grid's best, over the rounds; nil where it was not measured.
    func comparison(of setting: CellGrid.Setting) -> (ratio: Double, p95Ms: Double)? {
        var ratios: [Double] = []
        var latencies: [Double] = []
        for round in rounds {
            guard let best = round.first, best.rate > 0,
                let own = round.first(where: { $0.setting == setting })
            else { continue }
            ratios.append(own.rate / best.rate)
            latencies.append(own.p95Ms)
        }
        guard let ratio = Median.of(ratios), let p95 = Median.of(latencies) else { return nil }
        return (ratio, p95)
    }

    // MARK: Numbers and checks

    static func result(_ studies: [ScalerStudy]) -> PartResult {
        var result = PartResult()
        for study in studies { result.add(study) }
        for (scaler, _) in ScalerPart.scalers { result.judge(scaler, studies) }
        return result
    }
}

extension PartResult {
    fileprivate mutating func add(_ study: ScalerStudy) {
        let network = study.network
        row("g: objective", ["model": network], study.sloMs, "ms")
        for cell in study.grid.cells {
            let labels: KeyValuePairs = [
                "model": network, "batch": String(cell.setting.batch),
                "instances": String(cell.setting.instances),
            ]
            row("g: rate of every setting", labels, cell.rate, "items/s")
            row("g: p95 of every setting", labels, cell.p95Ms, "ms")
        }
        if let best = study.grid.best(within: study.sloMs) {
            let labels: KeyValuePairs = ["model": network, "by": "grid's best"]
            row("g: batch size chosen", labels, Double(best.setting.batch), "")
            row("g: instances chosen", labels, Double(best.setting.instances), "")
        }
        for choice in study.choices {
            let labels: KeyValuePairs = ["model": network, "by": choice.scaler]
            let setting = choice.setting
            row("g: batch size chosen", labels, setting.map { Double($0.batch) }, "")
            row("g: instances chosen", labels, setting.map { Double($0.instances) }, "")
            row("g: time until the last change", labels, setting.map { _ in choice.since }, "s")
            let found = setting.flatMap(study.comparison)
            row("g: rate against the grid's best, in turn", labels, found?.ratio, "")
            row("g: p95 of the choice, in turn", labels, found?.p95Ms, "ms")
        }
        blocks.append(.chart(heat(study)))
    }

    private func heat(_ study: ScalerStudy) -> Chart {
        let batches = CellGrid.batches
        let rows = CellGrid.instances.map { instances in
            batches.map { batch in
                study.grid.cell(.init(batch: batch, instances: instances))?.rate
            }
        }
        return Chart(
            "\(study.network): items/s",
            caption: "Empty: latency far beyond the objective, not measured.",
            .heat(
                HeatMap(
                    xLabel: "batch",
                    columns: batches.map { String($0) },
                    yLabel: "instances",
                    rows: CellGrid.instances.map { String($0) },
                    valueLabel: "items/s",
                    values: rows
                )
            )
        )
    }

    fileprivate mutating func judge(_ scaler: String, _ studies: [ScalerStudy]) {
        var worst: Double?
        var notes: [String] = []
        var isInTime = true
        for study in studies {
            let choice = study.choices.first { $0.scaler == scaler }
            if let refusal = choice?.refusal { notes.append(refusal) }
            guard let setting = choice?.setting, let found = study.comparison(of: setting) else {
                isInTime = false
                continue
            }
            worst = min(worst ?? .infinity, found.ratio)
            let best = study.grid.best(within: study.sloMs)?.setting
            let isLate = found.p95Ms > ScalerPart.grace * study.sloMs
            let rest = choice?.isSettled == true ? "" : ", still moving when the time was over"
            if isLate { isInTime = false }
            if isLate || found.ratio < ScalerPart.goal {
                notes.append(
                    "\(study.network): \(setting.batch) x \(setting.instances), best "
                        + "\(best?.batch ?? 0) x \(best?.instances ?? 0), ratio "
                        + Numeral.short(found.ratio)
                        + (isLate ? ", p95 \(Numeral.short(found.p95Ms)) ms is late" : "") + rest
                )
            }
        }
        check(
            "g: \(scaler) against the grid's best",
            goal: "median ratio of at least \(ScalerPart.goal) for every network, p95 in time",
            value: worst,
            holds: isInTime && (worst ?? 0) >= ScalerPart.goal,
            note: notes.joined(separator: "; ")
        )
    }
}
