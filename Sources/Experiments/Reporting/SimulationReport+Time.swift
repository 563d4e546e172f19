import Reports
import ServingDomain
import Simulation

extension SimulationReport {
    /// Violations and rates, piece by piece of the load's time.
    var overTime: [Report.Block] {
        var blocks: [Report.Block] = [.chart(violationChart), .chart(rateChart)]
        blocks += busiest.prefix(6).map { .chart(rateChart(of: $0)) }
        return blocks
    }

    /// Requests that came within one piece of time, over several rows.
    private struct Piece {
        var submitted = 0.0
        var served = 0.0
        var violated = 0.0
    }

    /// How many windows make a piece.
    private var windowsPerPiece: Int {
        let count = ledger.windows.first?.count ?? 1
        return max(1, (count + Self.pieceLimit - 1) / Self.pieceLimit)
    }

    private func pieces(_ rows: [Int]) -> [Piece] {
        let size = windowsPerPiece
        let count = ledger.windows.first?.count ?? 0
        // The last window begins at the load's end and is empty.
        let whole = max(1, Int(setup.duration.nanoseconds / ledger.window.nanoseconds))
        var pieces = Array(repeating: Piece(), count: (min(count, whole) + size - 1) / size)
        for row in rows {
            for (place, window) in ledger.windows[row].enumerated() where place < whole {
                pieces[place / size].submitted += Double(window.submitted)
                pieces[place / size].served += Double(window.served)
                pieces[place / size].violated += Double(window.violated)
            }
        }
        return pieces
    }

    private func time(_ piece: Int) -> Double {
        Double(piece * windowsPerPiece) * ledger.window.inSeconds
    }

    private var pieceSeconds: Double { Double(windowsPerPiece) * ledger.window.inSeconds }

    /// A last point where the last piece ends, since steps hold until the next point.
    private func closed(_ points: [Series.Point]) -> [Series.Point] {
        guard let last = points.last else { return points }
        return points + [Series.Point(max(last.x, setup.duration.inSeconds), last.y)]
    }

    /// The rows of one model.
    private func rows(of model: Int) -> [Int] {
        ledger.rows.indices.filter { ledger.rows[$0].model.position == model }
    }

    // MARK: Violations

    private var violationChart: Chart {
        func series(_ name: String, _ rows: [Int], _ colour: Colour) -> Series {
            let points = pieces(rows).enumerated().map { place, piece in
                let ended = piece.served + piece.violated
                return Series.Point(time(place), ended > 0 ? 100 * piece.violated / ended : .nan)
            }
            return Series(name, closed(points), style: .step, colour: colour)
        }
        var lines = busiest.map { series(name($0), rows(of: $0), .series($0)) }
        if setup.models.count > 1 {
            lines.append(series("all models", Array(ledger.rows.indices), .muted))
        }
        return Chart(
            "Violations",
            caption: "By time of arrival, per \(Numeral.short(pieceSeconds)) s.",
            width: .full,
            .lines(
                LineChart(
                    x: timeAxis,
                    y: .fromZero("violations, %"),
                    series: lines,
                    marks: warmUpMark,
                    bands: faultBands
                )
            )
        )
    }

    // MARK: Rates

    private var rateChart: Chart {
        let planned = plannedSeries { $0.reduce(0, +) }
        return rateChart("Rates against plan, all models", Array(ledger.rows.indices), planned)
    }

    private func rateChart(of model: Int) -> Chart {
        let planned = plannedSeries { model < $0.count ? $0[model] : 0 }
        return rateChart("Rates against plan, \(name(model))", rows(of: model), planned)
    }

    private func rateChart(_ title: String, _ rows: [Int], _ planned: Series?) -> Chart {
        let pieces = pieces(rows)
        func series(
            _ name: String,
            _ colour: Colour,
            _ style: Series.Style,
            _ part: (Piece) -> Double
        ) -> Series {
            let points = pieces.enumerated().map { place, piece in
                Series.Point(time(place), part(piece) / pieceSeconds)
            }
            return Series(name, closed(points), style: style, colour: colour)
        }
        var lines = [
            series("served in time", .good, .area) { $0.served },
            series("arrived", .series(0), .step) { $0.submitted },
        ]
        if let planned { lines.append(planned) }
        return Chart(
            title,
            width: rows.count == ledger.rows.count ? .full : .half,
            .lines(
                LineChart(
                    x: timeAxis,
                    y: .fromZero("requests per second"),
                    series: lines,
                    bands: faultBands
                )
            )
        )
    }

    /// The rates that plans were made for, from each plan to the next; nil without a plan.
    private func plannedSeries(_ sum: ([Int64]) -> Int64) -> Series? {
        var points: [Series.Point] = []
        for answer in ledger.answers where answer.plan != nil {
            let at = max(0, (answer.at - .zero).inSeconds)
            points.append(Series.Point(at, Double(sum(answer.milliRates)) / 1_000))
        }
        guard let last = points.last else { return nil }
        points.append(Series.Point(max(last.x, setup.duration.inSeconds), last.y))
        return Series("planned", points, style: .step, colour: .series(1), isDashed: true)
    }

    // MARK: Marks

    private var timeAxis: Axis {
        Axis("time, s", lower: 0, upper: max(1e-3, setup.duration.inSeconds))
    }

    private var warmUpMark: [LineChart.Mark] {
        guard setup.warmUp > .zero else { return [] }
        return [.init(.x, at: setup.warmUp.inSeconds, label: "counted from here")]
    }

    private var faultBands: [LineChart.Band] {
        setup.faults.map { fault in
            let begin = (fault.at - .zero).inSeconds
            let end = fault.duration.map { begin + $0.inSeconds } ?? setup.duration.inSeconds
            return LineChart.Band(from: begin, to: end, label: words(for: fault.kind))
        }
    }

    private func words(for kind: Fault.Kind) -> String {
        func device(_ id: DeviceID) -> String {
            setup.devices.indices.contains(id.position)
                ? setup.devices[id.position].name : "device \(id.index)"
        }
        func model(_ id: ModelID) -> String {
            setup.models.indices.contains(id.position) ? name(id.position) : "model \(id.index)"
        }
        switch kind {
        case .deviceLost(let id): return "\(device(id)) lost"
        case .slowDevice(let id, let milli):
            return "\(device(id)) \(Numeral.short(Double(milli) / 1_000)) x slower"
        case .failedLoad(let id): return "\(model(id)) can't be loaded"
        case .hangingEngine(let id): return "\(model(id)) hangs"
        case .deafEngine(let id): return "\(model(id)) hangs for good"
        }
    }
}
