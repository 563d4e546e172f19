import ServingDomain

/// Which gpulets a model would ideally have, all at once (2.2, `estimate`).
extension ReleasedScheduler {
    /// The list for the kind of device that needs the least, large sizes first.
    ///
    /// nil where the model can't run on any kind, or would want more gpulets than there can be.
    func estimates(of model: Int, rate: Int) -> [ReleasedNode]? {
        guard let kind = cheapestKind(model, rate),
            let list = estimates(of: model, rate: rate, kind: kind)
        else { return nil }
        // A stable sort by size alone: what was estimated first stays first among equals.
        return list.enumerated()
            .sorted { ($1.element.units, $0.offset) < ($0.element.units, $1.offset) }
            .map(\.element)
    }

    /// The list in the order in which it is estimated: saturated gpulets, then the rest.
    func estimates(of model: Int, rate: Int, kind: Int) -> [ReleasedNode]? {
        guard rate > slack else { return [] }
        guard tables.largest(model, kind) > 0 else { return nil }
        return rules.selfTuning
            ? estimatesByTuning(model, rate, kind) : estimatesByKnee(model, rate, kind)
    }

    /// Left over rate that counts as nothing, in requests per second.
    var slack: Int { Int(rules.margins.slackMilliRate / 1_000) }

    /// Beyond this many there is no use in estimating on: so many gpulets there can't be.
    private var bound: Int { board.count * 8 + 8 }

    private func estimatesByKnee(_ model: Int, _ rate: Int, _ kind: Int) -> [ReleasedNode]? {
        let size = tables.knee(model, kind)
        let saturated = tables.saturated(model, kind, size)
        var list: [ReleasedNode] = []
        var left = rate
        while left > slack {
            if saturated.rate >= Float(left) {
                guard let node = residual(model, left, kind, size, number: list.count) else {
                    return nil
                }
                list.append(node)
                break
            }
            guard list.count < bound else { return nil }
            var node = ReleasedNode(device: list.count, kind: kind, units: size)
            node.occupancy = 1
            node.duty = tables.latency(model, saturated.batch, kind, size)
            node.lanes = [
                ReleasedLane(
                    model: model,
                    rate: left,
                    batch: saturated.batch,
                    throughput: saturated.rate
                )
            ]
            list.append(node)
            left = whole(Float(left) - saturated.rate)
        }
        return list
    }

    /// The gpulet of the rest: the largest batch at `size`, then the smallest size that takes it.
    private func residual(
        _ model: Int,
        _ rate: Int,
        _ kind: Int,
        _ size: Int32,
        number: Int
    ) -> ReleasedNode? {
        var node = ReleasedNode(device: number, kind: kind, units: size)
        var wanted = rate
        var batch = largestBatch(model, on: node, rate: &wanted, residual: true, beside: nil)
        guard batch > 0 else { return nil }
        for smaller in tables.kinds[kind].sizes where smaller <= size {
            var candidate = node
            candidate.units = smaller
            var rate = wanted
            let own =
                rules.keepsBatch
                ? batch
                : largestBatch(model, on: candidate, rate: &rate, residual: true, beside: nil)
            guard own > 0 else { break }
            let latency = tables.latency(model, own, kind, smaller)
            let duty = Float(Double(own) * 1_000 / Double(wanted))
            if duty < latency || tables.slos[model] < latency + duty { break }
            node.units = smaller
            batch = own
        }
        let latency = tables.latency(model, batch, kind, node.units)
        node.duty = max(Float(batch) * (1_000 / Float(wanted)), latency)
        node.occupancy = latency / node.duty
        node.lanes = [
            ReleasedLane(
                model: model,
                rate: wanted,
                batch: batch,
                throughput: Float(Double(batch) * 1_000 / Double(node.duty))
            )
        ]
        return node
    }

    /// Self-tuning: the smallest size whose rate exceeds what is left, else the largest, again.
    private func estimatesByTuning(_ model: Int, _ rate: Int, _ kind: Int) -> [ReleasedNode]? {
        let sizes = tables.kinds[kind].sizes.reversed()
        var list: [ReleasedNode] = []
        var left = rate
        while left > 0 {
            var found: (units: Int32, batch: Int, rate: Int) = (0, 1, 0)
            for size in sizes {
                let saturated = tables.saturated(model, kind, size)
                found = (size, saturated.batch, whole(saturated.rate))
                if found.rate > left { break }
            }
            guard found.rate > 0, list.count < bound else { return nil }
            var node = ReleasedNode(device: list.count, kind: kind, units: found.units)
            node.duty = Float(Double(found.batch) * (1_000 / Double(left)))
            node.occupancy = tables.latency(model, found.batch, kind, found.units) / node.duty
            node.lanes = [
                ReleasedLane(
                    model: model,
                    rate: left,
                    batch: found.batch,
                    throughput: Float(found.rate)
                )
            ]
            list.append(node)
            left -= found.rate
        }
        return list
    }

    /// The kind of device with the smallest sum of sizes; of equals the one that is used least.
    func cheapestKind(_ model: Int, _ rate: Int) -> Int? {
        var sums: [(kind: Int, sum: Double)] = []
        for kind in tables.kinds.indices {
            guard let list = estimates(of: model, rate: rate, kind: kind) else { continue }
            let units = list.reduce(0.0) { $0 + Double($1.units) }
            sums.append((kind, units / Double(tables.kinds[kind].units)))
        }
        guard let least = sums.map(\.sum).min() else {
            return tables.kinds.indices.first { tables.largest(model, $0) > 0 }
        }
        let equal = sums.filter { $0.sum == least }
        return equal.map { entry -> (use: Float, kind: Int) in
            let kind = tables.kinds[entry.kind]
            let knee = tables.knee(model, entry.kind)
            var both = tables.saturated(model, entry.kind, knee).rate
            if knee < kind.units {
                both += tables.saturated(model, entry.kind, kind.units - knee).rate
            }
            return (Float(rate) / both, entry.kind)
        }.min { ($0.use, $0.kind) < ($1.use, $1.kind) }?.kind
    }
}
