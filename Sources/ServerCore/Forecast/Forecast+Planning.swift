package import ServingDomain

/// What planners are told of what was learned.
extension Forecast {
    /// Corrections are told in steps of this many thousandths: a plan is no matter of one batch.
    private static let step: Int64 = 50
    /// The host's time is told after that many batches, in steps of these nanoseconds.
    private static let leastBatches: Int64 = 32
    private static let fixedStep: Int64 = 100_000, itemStep: Int64 = 10_000
    /// What co-runners cost is told after that many runs in company.
    private static let leastRuns: Int64 = 100

    /// Adds, per model and kind of device, how far profiles are off and what the host takes, and
    /// per kind what co-runners cost. Allocates; control only.
    package func tell(_ inputs: inout PlanInputs, at now: Instant) {
        for model in inputs.models {
            for kind in kinds {
                guard let row = lastMeasured(model.id, on: kind) else { continue }
                let milli = milliCorrection(of: row, at: now)
                let host = hostTime(of: row)
                guard milli != 1_000 || host != .none else { continue }
                inputs.corrections.append(
                    .init(model: model.id, kind: kind, milli: milli, host: host)
                )
            }
        }
        inputs.contention += learned
    }

    /// What co-runners were seen to cost, per kind of device; kinds with few runs in company are
    /// left out. Allocates; control only.
    var learned: [PlanInputs.KindContention] {
        kinds.indices.compactMap { place in
            contention(of: place).map { .init(kind: kinds[place], model: .loss($0)) }
        }
    }

    /// The row of `model` that was measured last; nil = none was.
    private func lastMeasured(_ model: ModelID, on kind: String) -> Int? {
        var last: Int?
        for place in rows.indices
        where rows[place].users > 0 && rows[place].model == model && rows[place].kind == kind {
            if last.map({ rows[$0].measured < rows[place].measured }) ?? true { last = place }
        }
        return last
    }

    /// Measured / profiled of runs that had the device to themselves; 1,000 = not lately.
    private func milliCorrection(of row: Int, at now: Instant) -> Int32 {
        guard isConfirmed(row: Int32(row), at: now) else { return 1_000 }
        let milli = Self.rounded(Int64(rows[row].alone * 1_000), to: Self.step)
        return Int32(clamping: max(Self.step, milli))
    }

    /// The host's usual time in round figures, however long ago it was seen: nobody is turned away
    /// for a plan, so nobody need prove it wrong. A layout lasts longer than a host's bad second.
    private func hostTime(of row: Int) -> HostTime {
        guard rows[row].usualHost.samples >= Self.leastBatches else { return .none }
        let line = rows[row].usualHost.line
        return HostTime(
            fixed: TimeSpan(
                nanoseconds: Self.rounded(line.fixed.nanoseconds, to: Self.fixedStep)
            ),
            perItem: TimeSpan(
                nanoseconds: Self.rounded(line.perItem.nanoseconds, to: Self.itemStep)
            )
        )
    }

    private static func rounded(_ value: Int64, to step: Int64) -> Int64 {
        (value + step / 2) / step * step
    }

    /// The learned cost of company: the mean over both classes, by the runs of each.
    private func contention(of kind: Int) -> LossContention? {
        let (high, low) = (learners[kind * 2], learners[kind * 2 + 1])
        let runs = high.samples + low.samples
        guard runs >= Self.leastRuns else { return nil }
        let part = Double(high.samples) / Double(runs)
        let weights = (0..<LossContention.featureCount).map { place in
            part * high.weights[place] + (1 - part) * low.weights[place]
        }
        return LossContention(weights: weights)
    }
}
