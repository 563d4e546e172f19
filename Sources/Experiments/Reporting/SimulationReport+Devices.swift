import Reports
import ServingDomain
import Simulation

extension SimulationReport {
    /// Stages in the close-up of the timeline.
    private static let closeUp = 500

    /// Who ran where and when, and how much of each device was used.
    var devices: [Report.Block] {
        var blocks: [Report.Block] = [.table(usageTable)]
        if let chart = timeline(ledger.timeline.prefix(Self.closeUp), "Who ran where, a close-up") {
            blocks.append(.chart(chart))
        }
        if ledger.timeline.count > Self.closeUp,
            let chart = timeline(ledger.timeline[...], "Who ran where")
        {
            blocks.append(.chart(chart))
        }
        if ledger.layouts.count > 1 { blocks.append(.chart(layoutChart)) }
        return blocks
    }

    var usageTable: Table {
        let rows = zip(setup.devices, ledger.usage).map { device, usage in
            [
                Table.Cell.text(device.name), .text(device.kind), .part(usage.busy),
                .part(usage.occupied), .number(Double(usage.peakKiB) / 1_024, decimals: 0),
                device.memoryMiB > 0
                    ? .part(Double(usage.peakKiB) / 1_024 / Double(device.memoryMiB))
                    : .text("not limited"),
            ]
        }
        return Table(
            "Use of the devices",
            columns: [
                .init("device"), .init("kind"), .init("busy", isNumeric: true),
                .init("busy by share", isNumeric: true), .init("peak memory, MiB", isNumeric: true),
                .init("of its memory", isNumeric: true),
            ],
            rows: rows
        )
    }

    /// Rows are gpulets, in the order of their numbers on their device.
    private func timeline(_ spans: ArraySlice<Ledger.Span>, _ title: String) -> Chart? {
        guard !spans.isEmpty else { return nil }
        var places: [(device: DeviceID, gpulet: GpuletID)] = []
        for span in spans where !places.contains(where: { $0.gpulet == span.gpulet }) {
            places.append((span.device, span.gpulet))
        }
        places.sort { ($0.device, $0.gpulet) < ($1.device, $1.gpulet) }
        let rows = places.map { place in
            let device = setup.devices[place.device.position]
            return Timeline.Row(
                "gpulet \(place.gpulet.index)",
                group: "\(device.name), \(device.kind)"
            )
        }
        let drawn = spans.map { span in
            let begin = (span.began - .zero).inSeconds
            let end = (span.ended - .zero).inSeconds
            let length = Numeral.short((span.ended - span.began).inMilliseconds)
            return Timeline.Span(
                row: places.firstIndex { $0.gpulet == span.gpulet } ?? 0,
                from: begin,
                to: end,
                kind: span.model.position,
                note: "\(name(span.model.position)), \(span.items) items, \(length) ms"
            )
        }
        var caption =
            "The first \(Numeral.fixed(Double(spans.count), decimals: 0)) stages that count."
        if spans.count <= Self.closeUp {
            caption += " Point at one to read it."
        } else if ledger.untold > 0 {
            caption +=
                " \(Numeral.fixed(Double(ledger.untold), decimals: 0)) later ones were not kept."
        }
        return Chart(
            title,
            caption: caption,
            width: .full,
            .timeline(
                Timeline(
                    Axis("time, s"),
                    rows: rows,
                    kinds: setup.models.map { Timeline.Kind($0.spec.name) },
                    spans: drawn
                )
            )
        )
    }

    private var layoutChart: Chart {
        func series(_ name: String, _ part: (Ledger.Layout) -> Double) -> Series {
            var points = ledger.layouts.map { layout in
                Series.Point(max(0, (layout.at - .zero).inSeconds), part(layout))
            }
            if let last = points.last, last.x < setup.duration.inSeconds {
                points.append(Series.Point(setup.duration.inSeconds, last.y))
            }
            return Series(name, points, style: .step)
        }
        return Chart(
            "Devices and gpulets in use",
            width: .full,
            .lines(
                LineChart(
                    x: Axis("time, s"),
                    y: .fromZero("count"),
                    series: [
                        series("gpulets") { Double($0.gpulets) },
                        series("devices") { Double($0.devices) },
                    ]
                )
            )
        )
    }

    // MARK: Plans

    /// The plans that there were, the last one in full.
    var plans: [Report.Block] {
        let rows = ledger.answers.map { answer -> [Table.Cell] in
            let planned = Double(answer.milliRates.reduce(0, +)) / 1_000
            guard let plan = answer.plan else {
                return [
                    .number((answer.at - .zero).inSeconds, decimals: 1),
                    .number(Double(answer.epoch.number), decimals: 0), .number(planned),
                    .verdict(.fails, "no plan"),
                ]
            }
            let left = Double(plan.unserved.reduce(0) { $0 + $1.milliRate }) / 1_000
            return [
                .number((answer.at - .zero).inSeconds, decimals: 1),
                .number(Double(answer.epoch.number), decimals: 0), .number(planned),
                plan.schedulable
                    ? .verdict(.holds, "all served")
                    : .verdict(.fails, "\(Numeral.short(left)) r/s unserved"),
            ]
        }
        let table = Table(
            "Answers of the planner",
            columns: [
                .init("time, s", isNumeric: true), .init("epoch", isNumeric: true),
                .init("rate asked for, r/s", isNumeric: true), .init("demand"),
            ],
            rows: rows
        )
        guard let last = ledger.answers.last(where: { $0.plan != nil })?.plan else {
            return [.table(table)]
        }
        return [.table(PlanTable.table("The last plan", last, setup: setup)), .table(table)]
    }
}
