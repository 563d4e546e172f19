import Documents
import Experiments
import Foundation
import LoadGenerator
import ServingDomain

@testable import LiveExperiments

/// What a load's report says, with only what matters to a test.
enum Reports {
    struct Line {
        var model = "m"
        var served = 0, late = 0, dropped = 0, refused = 0, failed = 0, notSent = 0
        var goodput = 0.0
        var p99: Double?
        var errors: [(kind: String, count: Int)] = []

        var json: String {
            let kinds = errors.map {
                "{\"kind\":\"\($0.kind)\",\"count\":\($0.count),\"first\":\"x\"}"
            }
            return """
                {"model":"\(model)","submitted":0,"served":\(served),"late":\(late),\
                "dropped":\(dropped),"refused":\(refused),"failed":\(failed),"cancelled":0,\
                "notSent":\(notSent),"violationPercent":0,"throughput":0,"goodput":\(goodput),\
                "latencyMs":{\(p99.map { "\"p99\":\($0)" } ?? "")},\
                "errors":[\(kinds.joined(separator: ","))]}
                """
        }
    }

    static func report(_ lines: [Line]) throws -> LoadReport {
        let text = """
            {"source":"live","seed":1,"protocol":"http","url":"","durationS":1,
             "models":[\(lines.map(\.json).joined(separator: ","))],
             "total":\(Line().json)}
            """
        return try JSONDecoder().decode(LoadReport.self, from: Data(text.utf8))
    }
}

extension LiveMix {
    /// Members by name and solo time.
    static func of(_ members: KeyValuePairs<String, Double>) throws -> LiveMix {
        try LiveMix(
            members.map {
                Profile(
                    model: $0.key,
                    device: "cpu",
                    latency: [.init(batch: 1, share: 100, ms: $0.value)]
                )
            }
        )
    }
}

extension PartResult {
    /// The check whose name begins so.
    func check(_ name: String) -> (holds: Bool, value: Double?, note: String)? {
        checks.first { $0.name.hasPrefix(name) }.map { ($0.holds, $0.value, $0.note) }
    }
}
