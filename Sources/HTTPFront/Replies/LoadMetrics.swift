import OpenInference
import ServerRuntime

/// The header in which a reply says how busy the server is, for balancers that ask for it: Open
/// Request Cost Aggregation (ORCA), as Triton sends it, with values that a server without a
/// key-value cache has.
enum LoadMetrics {
    /// How the client wants them (`endpoint-load-metrics-format`).
    enum Format: Hashable, Sendable {
        case text, json

        /// The format of a header's value; nil = one that there is not, which asks for nothing.
        init?(_ value: String) {
            if matches(value, "text") {
                self = .text
            } else if matches(value, "json") {
                self = .json
            } else {
                return nil
            }
        }
    }

    /// The value of `endpoint-load-metrics`.
    static func value(_ load: ServerLoad, _ format: Format) -> String {
        let shares = [
            ("cpu_utilization", load.processors), ("mem_utilization", load.memory),
            ("application_utilization", load.slots),
        ].map { ($0.0, rounded($0.1)) }
        switch format {
        case .text:
            let words = shares.map { "\($0.0)=\($0.1)" }
            return "TEXT \(words.joined(separator: ",")),"
                + "named_metrics.requests_in_server=\(load.requests)"
        case .json:
            let words = shares.map { "\"\($0.0)\":\($0.1)" }
            return "JSON {\(words.joined(separator: ",")),"
                + "\"named_metrics\":{\"requests_in_server\":\(load.requests)}}"
        }
    }

    /// Four decimals are more than the numbers are good for.
    private static func rounded(_ share: Double) -> Double {
        (min(max(share, 0), 1) * 10_000).rounded() / 10_000
    }
}
