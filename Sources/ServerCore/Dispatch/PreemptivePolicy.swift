package import ServingDomain

/// Preemption in software: high priority has the device to itself.
///
/// Low runs are cut into pieces of `threshold` segments; between two of them the batch stands
/// still as long as any high request waits or runs. After XSched (OSDI'25), whose first level
/// limits how many commands of a low queue are in flight, and REEF (OSDI'22). Within a class the
/// earliest deadline goes first, batches and drops are those of `edf`. Where the engine offers one
/// segment only, low yields between batches.
package struct PreemptivePolicy: DispatchPolicy {
    package let order = QueueOrder.deadline
    /// Segments of one piece of a low run.
    package let threshold: Int32
    private var base = EdfPolicy()

    /// Creates the policy with so many segments in flight.
    package init(threshold: Int32) { self.threshold = max(1, threshold) }

    package func refuses(
        _ arrival: Arrival,
        at now: Instant,
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast
    ) -> Refusal? {
        base.refuses(arrival, at: now, in: state, using: forecast)
    }

    package func lastStart(
        of request: RequestRecord,
        at now: Instant,
        using forecast: borrowing Forecast
    ) -> Instant {
        base.lastStart(of: request, at: now, using: forecast)
    }

    package mutating func next(
        at now: Instant,
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast
    ) -> Choice {
        if let choice = base.choice(of: .high, at: now, in: state, using: forecast) {
            return choice
        }
        if let choice = resumed(in: state, using: forecast) { return choice }
        guard
            let choice = base.choice(
                of: .low,
                at: now,
                in: state,
                using: forecast,
                where: { isFree($0, in: $1) }
            )
        else { return .hold(until: nil) }
        guard case .start(var launch) = choice else { return choice }
        let lane = state.lanes[launch.lane.position]
        let device = state.gpulets[lane.gpulet.position].device
        let items = state.items(of: launch)
        let plan = forecast.stagePlan(row: lane.row, items: items, device: device)
        if plan.segments > threshold || plan.chunksIn > 0 {
            launch.stage = plan.first(stride: threshold)
        }
        return .start(launch)
    }

    /// Whether nothing of class high runs on the device of `gpulet` or waits for a lane there.
    private func isFree(_ gpulet: GpuletID, in state: borrowing DispatchState) -> Bool {
        let device = state.gpulets[gpulet.position].device
        for place in state.gpulets.indices
        where state.gpulets[place].isLive && state.gpulets[place].device == device {
            if state.gpulets[place].runningHigh > 0 { return false }
            if !state.gpulets[place].readyHigh.isEmpty { return false }
        }
        return true
    }

    /// The first paused batch whose device is free of high work.
    private func resumed(
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast
    ) -> Choice? {
        var slot = state.firstPaused
        while slot >= 0 {
            let batch = state.batches[Int(slot)]
            let gpulet = state.lanes[batch.lane.position].gpulet
            if state.mayResume(on: gpulet), isFree(gpulet, in: state) {
                let plan = forecast.stagePlan(
                    row: state.lanes[batch.lane.position].row,
                    items: batch.items,
                    device: state.gpulets[gpulet.position].device
                )
                if let stage = plan.next(after: batch.stage, stride: threshold) {
                    return .resume(batch.id(at: slot), stage)
                }
            }
            slot = state.paused(after: slot)
        }
        return nil
    }
}
