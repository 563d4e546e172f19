public import Reports
public import ServingDomain
import Simulation

/// A plan as a table: one row per lane.
public enum PlanTable {
    /// The table.
    ///
    /// - Parameters:
    ///   - caption: What stands above it.
    ///   - plan: The plan.
    ///   - models: By their identifiers.
    ///   - devices: By theirs.
    public static func table(
        _ caption: String,
        _ plan: Plan,
        models: [ModelSpec],
        devices: [DeviceSpec]
    ) -> Table {
        func name(_ id: ModelID) -> String {
            models.indices.contains(id.position) ? models[id.position].name : "model \(id.index)"
        }
        var rows: [[Table.Cell]] = []
        for layout in plan.devices {
            let device = devices[layout.device.position]
            for (number, gpulet) in layout.gpulets.enumerated() {
                for lane in gpulet.lanes {
                    rows.append([
                        .text(device.name), .number(Double(number), decimals: 0),
                        .number(100 * device.fraction(of: gpulet.units)), .text(name(lane.model)),
                        .number(Double(lane.batchLimit), decimals: 0),
                        .number(Double(lane.instances), decimals: 0),
                        .number(lane.milliRate == 0 ? nil : Double(lane.milliRate) / 1_000),
                        .number(gpulet.dutyCycle?.inMilliseconds),
                        .number(lane.expected?.inMilliseconds), .text(lane.why ?? ""),
                    ])
                }
            }
        }
        for rest in plan.unserved {
            var cells: [Table.Cell] = [.verdict(.fails, "unserved"), .text(""), .text("")]
            cells += [.text(name(rest.model)), .text(""), .text("")]
            cells += [.number(Double(rest.milliRate) / 1_000), .text(""), .text("")]
            cells.append(.text(rest.why ?? ""))
            rows.append(cells)
        }
        return Table(
            caption,
            columns: [
                .init("device"), .init("gpulet", isNumeric: true),
                .init("share, %", isNumeric: true),
                .init("model"), .init("batch", isNumeric: true),
                .init("instances", isNumeric: true),
                .init("rate, r/s", isNumeric: true), .init("duty, ms", isNumeric: true),
                .init("expected, ms", isNumeric: true), .init("why"),
            ],
            rows: rows
        )
    }

    static func table(_ caption: String, _ plan: Plan, setup: SimulationSetup) -> Table {
        table(caption, plan, models: setup.models.map(\.spec), devices: setup.devices)
    }
}
