import ServingDomain

/// Which of the low batches that share cores go first: those that are due first.
extension DispatchState {
    /// Whether a low batch with this deadline is to have the cores before other low ones: it is due
    /// before all of them, or before some of those that have all units.
    func goesFirst(_ deadline: Instant, on gpulet: GpuletID) -> Bool {
        let record = gpulets[gpulet.position]
        guard record.countsApart else { return false }
        return !record.hasUnits(for: .low) || deadline < record.firstDue
    }

    /// Finds out when the low batches of `gpulet` are due. Cost: O(lanes of the gpulet + n log n)
    /// for n running batches, no allocation.
    mutating func noteDue(_ gpulet: GpuletID) {
        guard gpulets[gpulet.position].countsApart else { return }
        dues.empty()
        var lane = gpulets[gpulet.position].firstLane
        while lane >= 0 {
            var busy = lanes[Int(lane)].seated & ~lanes[Int(lane)].idle
            while busy != 0 {
                let seat = seats[Int(lane) * Self.seatsPerLane + busy.trailingZeroBitCount]
                busy &= busy - 1
                let slot = instances[seat.position].batch
                guard slot >= 0, batches[Int(slot)].state == .running, !batches[Int(slot)].isHigh,
                    case let first = batches[Int(slot)].first, first >= 0
                else { continue }
                dues.append((requests[Int(first)].deadline, lanes[Int(lane)].width))
            }
            lane = lanes[Int(lane)].nextOfGpulet
        }
        if dues.count > 1 { dues.sort { $0.due < $1.due } }
        gpulets[gpulet.position].firstDue = dues.first?.due ?? .distantFuture
        gpulets[gpulet.position].lastDue = .distantFuture
        var units = gpulets[gpulet.position].units
        for (due, width) in dues {
            units -= width
            guard units <= 0 else { continue }
            gpulets[gpulet.position].lastDue = due
            break
        }
    }
}
