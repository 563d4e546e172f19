import Documents
import Experiments
import Foundation

/// What `sluice profile` prints at its end.
struct ProfilingReport {
    let folder: String
    let profiles: [Profile]
    let interference: InterferenceScore?

    /// Tables for people.
    func text() -> String {
        var lines = ["model                 batch   share        p50        p99  samples"]
        for profile in profiles {
            for row in profile.latency {
                let name = profile.model.padding(toLength: 20, withPad: " ", startingAt: 0)
                lines.append(
                    name
                        + String(
                            format: "%7d %6.0f %% %7.2f ms %7.2f ms %8d",
                            row.batch,
                            row.share,
                            row.ms,
                            row.p99Ms ?? row.ms,
                            row.samples ?? 0
                        )
                )
            }
        }
        lines.append("profiles: \(folder)")
        for part in interference?.parts ?? [] {
            lines.append("")
            lines.append(
                "side by side, \(part.seats): "
                    + String(
                        format: "slowdown %.2f in the middle, %.2f at 90 %%, %.2f at most",
                        part.slowdowns[0],
                        part.slowdowns[1],
                        part.slowdowns[2]
                    )
            )
            for row in part.rows {
                let words = row.labels.map(\.value).joined(separator: ", ")
                let published = row.published.map { " (published: \($0))" } ?? ""
                let measured = String(format: "%.2f", row.measured ?? .nan)
                lines.append("  error of \(words) points: \(measured) %\(published)")
            }
            for check in part.checks where !check.holds {
                lines.append("  fails: \(check.name): \(check.goal)")
            }
        }
        return lines.joined(separator: "\n")
    }

    /// The same for programs.
    func json() -> String {
        var members = ["\"folder\":\(Self.quoted(folder))"]
        let names = profiles.map { Self.quoted($0.model) }
        members.append("\"models\":[\(names.joined(separator: ","))]")
        var rows: [String] = []
        for part in interference?.parts ?? [] {
            for row in part.rows {
                let labels = row.labels.map { "\(Self.quoted($0.key)):\(Self.quoted($0.value))" }
                rows.append(
                    "{\"metric\":\(Self.quoted(row.metric)),\"labels\":{\"seats\":"
                        + "\(Self.quoted(part.seats)),\(labels.joined(separator: ","))},"
                        + "\"published\":\(row.published.map { "\($0)" } ?? "null"),"
                        + "\"measured\":\(row.measured.map { "\($0)" } ?? "null"),"
                        + "\"unit\":\(Self.quoted(row.unit)),"
                        + "\"basis\":\(Self.quoted(row.basis.rawValue))}"
                )
            }
        }
        if interference != nil { members.append("\"rows\":[\(rows.joined(separator: ","))]") }
        return "{" + members.joined(separator: ",") + "}"
    }

    private static func quoted(_ text: String) -> String {
        let data = try? JSONSerialization.data(
            withJSONObject: text,
            options: [.fragmentsAllowed, .withoutEscapingSlashes]
        )
        return data.map { String(decoding: $0, as: UTF8.self) } ?? "\"\""
    }
}
