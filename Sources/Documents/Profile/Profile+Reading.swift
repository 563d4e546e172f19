extension Profile {
    /// The most rows of one kind.
    public static let rowLimit = 65_536

    /// Reads a profile from JSON or YAML.
    ///
    /// Refuses what could not have been measured: two rows for one place, a share without its
    /// row of batch 1, a batch that takes less than half of what a smaller one does.
    public init(reading bytes: [UInt8], source: String) throws(DocumentError) {
        try self.init(DocumentReader.read(bytes, source: source))
    }

    init(_ node: DocumentNode) throws(DocumentError) {
        let root = try node.object([
            "model", "device", "latency", "inputBytes", "outputBytes", "memoryMiB", "utilization",
            "digest", "fingerprint", "measured", "flops", "kernels", "weightsMiB", "workspaceMiB",
            "startMs", "segments",
        ])
        let amount = 0...1e18
        let count = Int64(0)...(1 << 60)
        let rows = try root.required("latency").list(limit: Self.rowLimit)
        guard !rows.isEmpty else { throw try root.required("latency").wrong("has no rows") }
        var latency: [Row] = []
        for row in rows { latency.append(try Row(row)) }
        try ProfileRows(latency).check(rows)
        self.init(
            model: try root.required("model").string(),
            device: try root.required("device").string(),
            latency: latency
        )
        inputBytes = try root.optional("inputBytes")?.integer(in: count)
        outputBytes = try root.optional("outputBytes")?.integer(in: count)
        memoryMiB = try root.optional("memoryMiB")?.number(in: amount)
        for row in try root.optional("utilization")?.list(limit: Self.rowLimit) ?? [] {
            utilization.append(try Utilization(row))
        }
        digest = try root.optional("digest")?.string()
        fingerprint = try root.optional("fingerprint")?.string()
        measured = try root.optional("measured")?.string()
        flops = try root.optional("flops")?.number(in: amount)
        kernels = try root.optional("kernels")?.integer(in: count)
        weightsMiB = try root.optional("weightsMiB")?.number(in: amount)
        for row in try root.optional("workspaceMiB")?.list(limit: Self.rowLimit) ?? [] {
            let object = try row.object(["batch", "MiB"])
            workspace.append(
                Workspace(
                    batch: try object.batch(),
                    mib: try object.required("MiB").number(in: amount)
                )
            )
        }
        if let times = try root.optional("startMs")?.object(["cold", "warm"]) {
            start = Start(
                cold: try times.required("cold").number(in: amount),
                warm: try times.required("warm").number(in: amount)
            )
        }
        segments = Int32(try root.optional("segments")?.integer(in: 1...65_536) ?? 1)
    }
}

extension Profile.Row {
    fileprivate init(_ node: DocumentNode) throws(DocumentError) {
        let row = try node.object(["batch", "share", "ms", "instances", "p99Ms", "samples"])
        // An hour: what takes longer is no inference.
        let span = 0...3_600_000.0
        let ms = try row.required("ms")
        guard try ms.number(in: span) > 0 else { throw ms.wrong("must be more than 0 ms") }
        self.init(
            batch: try row.batch(),
            share: try row.required("share").share(),
            ms: try ms.number(in: span),
            instances: Int32(try row.optional("instances")?.integer(in: 1...65_536) ?? 1),
            p99Ms: try row.optional("p99Ms")?.number(in: span),
            samples: try row.optional("samples")?.integer(in: 0...(1 << 60))
        )
    }
}

extension Profile.Utilization {
    fileprivate init(_ node: DocumentNode) throws(DocumentError) {
        let row = try node.object(["batch", "sm", "l2", "dram"])
        self.init(
            batch: try row.batch(),
            sm: try row.required("sm").number(in: 0...1),
            l2: try row.required("l2").number(in: 0...1),
            dram: try row.required("dram").number(in: 0...1)
        )
    }
}
