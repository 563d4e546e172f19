extension Profile {
    /// The profile as JSON, one row per line; equal profiles give equal bytes.
    public func json() -> [UInt8] {
        let members: [(key: String, value: String?)] = [
            ("model", JSONText.string(model)),
            ("device", JSONText.string(device)),
            ("latency", JSONText.lines(latency.map(\.json))),
            ("inputBytes", inputBytes.map { String($0) }),
            ("outputBytes", outputBytes.map { String($0) }),
            ("memoryMiB", memoryMiB.map(JSONText.number)),
            ("utilization", utilization.isEmpty ? nil : JSONText.lines(utilization.map(\.json))),
            ("digest", digest.map(JSONText.string)),
            ("fingerprint", fingerprint.map(JSONText.string)),
            ("measured", measured.map(JSONText.string)),
            ("flops", flops.map(JSONText.number)),
            ("kernels", kernels.map { String($0) }),
            ("weightsMiB", weightsMiB.map(JSONText.number)),
            ("workspaceMiB", workspace.isEmpty ? nil : JSONText.lines(workspace.map(\.json))),
            ("startMs", start?.json),
            ("segments", segments == 1 ? nil : String(segments)),
        ]
        return Array((JSONText.object(members) + "\n").utf8)
    }
}

extension Profile.Row {
    fileprivate var json: String {
        JSONText.object([
            ("batch", String(batch)),
            ("share", JSONText.number(share)),
            ("ms", JSONText.number(ms)),
            ("instances", instances == 1 ? nil : String(instances)),
            ("p99Ms", p99Ms.map(JSONText.number)),
            ("samples", samples.map { String($0) }),
        ])
    }
}

extension Profile.Utilization {
    fileprivate var json: String {
        JSONText.object([
            ("batch", String(batch)),
            ("sm", JSONText.number(sm)),
            ("l2", JSONText.number(l2)),
            ("dram", JSONText.number(dram)),
        ])
    }
}

extension Profile.Workspace {
    fileprivate var json: String {
        JSONText.object([("batch", String(batch)), ("MiB", JSONText.number(mib))])
    }
}

extension Profile.Start {
    fileprivate var json: String {
        JSONText.object([("cold", JSONText.number(cold)), ("warm", JSONText.number(warm))])
    }
}
