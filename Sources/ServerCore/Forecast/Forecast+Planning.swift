import ServingDomain

/// What planners are told of what was learned.
extension Forecast {
    /// Corrections are told in steps of this many thousandths: a plan is no matter of one batch.
    private static let step: Int64 = 50
    /// What co-runners cost is told after that many runs in company.
    private static let leastRuns: Int64 = 100

    /// Adds, per model and kind of device, how far profiles are off, and per kind what co-runners
    /// cost. Allocates; control only.
    func tell(_ inputs: inout PlanInputs, at now: Instant) {
        for model in inputs.models {
            for kind in kinds {
                guard let milli = milliCorrection(of: model.id, on: kind, at: now) else { continue }
                inputs.corrections.append(.init(model: model.id, kind: kind, milli: milli))
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

    /// Measured / profiled of runs that had the device to themselves, by the row that was
    /// measured last; nil = nothing lately, or nothing to correct.
    private func milliCorrection(
        of model: ModelID,
        on kind: String,
        at now: Instant
    ) -> Int32? {
        var last: Int?
        for place in rows.indices
        where rows[place].users > 0 && rows[place].model == model && rows[place].kind == kind {
            guard isConfirmed(row: Int32(place), at: now) else { continue }
            if last.map({ rows[$0].measured < rows[place].measured }) ?? true { last = place }
        }
        guard let last else { return nil }
        let milli = (Int64(rows[last].alone * 1_000) + Self.step / 2) / Self.step * Self.step
        return milli == 1_000 ? nil : Int32(clamping: max(Self.step, milli))
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
