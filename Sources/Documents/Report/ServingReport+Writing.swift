extension ServingReport {
    /// The report as JSON, one line of it per line; equal reports give equal bytes.
    public func json() -> [UInt8] {
        func text(_ value: String?) -> String? { value.map(JSONText.string) }
        let applications = graphs.map(\.json)
        let used = devices.map(\.json)
        let members: [(key: String, value: String?)] = [
            ("source", JSONText.string(source.rawValue)),
            ("seed", String(seed)),
            ("planner", text(planner)),
            ("scaler", text(scaler)),
            ("policy", text(policy)),
            ("durationS", durationS.map(JSONText.number)),
            ("protocol", text(protocolName)),
            ("url", text(url)),
            ("sendLagP99Ms", sendLagP99Ms.map(JSONText.number)),
            ("digest", text(digest)),
            ("models", JSONText.lines(models.map(\.json))),
            ("graphs", applications.isEmpty ? nil : JSONText.lines(applications)),
            ("total", total.json),
            ("devices", used.isEmpty ? nil : JSONText.lines(used)),
            ("notes", notes.isEmpty ? nil : JSONText.lines(notes.map(JSONText.string))),
        ]
        return Array((JSONText.object(members) + "\n").utf8)
    }
}

extension ServingReport.Line {
    fileprivate var json: String {
        let failures = errors.map { failure in
            JSONText.object([
                ("kind", JSONText.string(failure.kind)), ("count", String(failure.count)),
                ("first", JSONText.string(failure.first)),
            ])
        }
        return JSONText.object([
            ("model", model.map(JSONText.string)),
            ("graph", graph.map(JSONText.string)),
            ("priority", priority.map(JSONText.string)),
            ("submitted", String(submitted)),
            ("served", String(served)),
            ("late", String(late)),
            ("dropped", String(dropped)),
            ("refused", String(refused)),
            ("failed", String(failed)),
            ("cancelled", String(cancelled)),
            ("notSent", notSent.map { String($0) }),
            ("violationPercent", JSONText.numberOrNull(violationPercent)),
            ("throughput", throughput.map { JSONText.numberOrNull($0) }),
            ("goodput", JSONText.numberOrNull(goodput)),
            ("latencyMs", latencyMs.json),
            ("meanBatch", meanBatch.map { JSONText.numberOrNull($0) }),
            ("errors", failures.isEmpty ? nil : JSONText.list(failures)),
        ])
    }
}

extension ServingReport.Latency {
    fileprivate var json: String {
        JSONText.object([
            ("p50", p50.map(JSONText.number)), ("p90", p90.map(JSONText.number)),
            ("p95", p95.map(JSONText.number)), ("p99", p99.map(JSONText.number)),
            ("p999", p999.map(JSONText.number)), ("max", max.map(JSONText.number)),
            ("mean", mean.map(JSONText.number)),
        ])
    }
}

extension ServingReport.Device {
    fileprivate var json: String {
        JSONText.object([
            ("id", JSONText.string(id)), ("busy", JSONText.number(busy)),
            ("occupied", JSONText.number(occupied)), ("peakMiB", JSONText.number(peakMiB)),
        ])
    }
}
