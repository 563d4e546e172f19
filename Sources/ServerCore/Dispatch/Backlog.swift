import ServingDomain

/// How a queue gets out of a backlog: which heads the next batch leaves behind.
///
/// Deadlines alone lead into a trap. Heads that are nearly late allow small batches only, those
/// serve the fewest per second, so the next heads are nearly late as well; and a device that could
/// carry nearly all of the load in large batches serves a quarter of it for as long as that lasts.
/// So where some of those who wait would be lost by their deadlines anyway, the next batch is the
/// one that serves the most per second, or nearly so with fewer left behind. Who is left behind
/// stays in the queue, and goes if there is room elsewhere.
///
/// Nexus (SOSP 2019, section 6.3) drops heads for the sake of the planned batch; here it is the
/// queue that says whether that is needed, and for how many.
struct Backlog {
    /// The most heads that are left behind at once, and the most requests that are looked at.
    private static let mostLeft = 64, mostSeen: Int32 = 128
    /// What the rest must do better than the heads' own batch: latencies are forecasts.
    private static let gain = 1.1
    /// This part of the most per second is enough.
    private static let enough = 0.9

    let queue: QueueID
    let row: Int32
    /// The lane's batch limit, in items.
    let limit: Int32

    /// How many requests at the head of the queue the next batch leaves behind.
    ///
    /// Zero while all can be in time. Cost: O(1) where the head's time allows all that wait or a
    /// full batch, else O(requests that wait), at most 128.
    func headsToLeave(
        at now: Instant,
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast
    ) -> Int32 {
        let waiting = state.queues[queue.position].tree.count
        let head = state.head(of: queue)
        guard waiting > 2, limit > 1, head >= 0 else { return 0 }
        let (deadline, unit) = (state.requests[Int(head)].deadline, items(of: head, in: state))
        guard deadline != .distantFuture else { return 0 }
        let size = forecast.largestBatch(row: row, within: deadline - now, limit: limit, at: now)
        guard size >= unit, size < limit, waiting > size / unit,
            let own = rate(size / unit, of: unit, at: now, using: forecast)
        else { return 0 }
        let lost = lostByDeadline(at: now, in: state, using: forecast)
        guard lost > 0 else { return 0 }

        var rates = InlineArray<65, Double>(repeating: 0)
        var (slot, reach, most) = (head, size, Self.gain * own)
        let last = min(Self.mostLeft, Int(2 * lost), Int(waiting) - 1)
        for left in 1...last {
            slot = state.waiting.next(after: slot)
            guard slot >= 0 else { break }
            let span = state.requests[Int(slot)].deadline - now
            reach = self.reach(from: reach, within: span, at: now, using: forecast)
            let count = min(reach / unit, waiting - Int32(left))
            guard count > 0, let rate = rate(count, of: unit, at: now, using: forecast) else {
                continue
            }
            rates[left] = rate
            most = max(most, rate)
            if reach >= limit { break }
        }
        for left in 1...last
        where rates[left] > Self.gain * own && rates[left] >= Self.enough * most {
            return Int32(left)
        }
        return 0
    }

    /// How many of those who wait would be late if each batch were as large as its head's time
    /// allows. Looks at the first 128.
    private func lostByDeadline(
        at now: Instant,
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast
    ) -> Int32 {
        var (slot, seen, lost) = (state.head(of: queue), Int32(0), Int32(0))
        var (time, reach) = (now, Int32(1))
        while slot >= 0, seen < Self.mostSeen {
            let unit = items(of: slot, in: state)
            let span = state.requests[Int(slot)].deadline - time
            reach = self.reach(from: reach, within: span, at: now, using: forecast)
            var room = reach
            seen += 1
            slot = state.waiting.next(after: slot)
            guard room >= unit else {
                lost += 1
                continue
            }
            room -= unit
            while slot >= 0, room >= items(of: slot, in: state) {
                room -= items(of: slot, in: state)
                seen += 1
                slot = state.waiting.next(after: slot)
            }
            time = time + (forecast.latency(row: row, items: reach - room, at: now) ?? .zero)
        }
        return lost
    }

    /// The largest batch within `span`, looked for from `size` on; 0 = not even one item.
    private func reach(
        from size: Int32,
        within span: TimeSpan,
        at now: Instant,
        using forecast: borrowing Forecast
    ) -> Int32 {
        func fits(_ size: Int32) -> Bool {
            forecast.latency(row: row, items: size, at: now).map { $0 <= span } ?? false
        }
        var size = size
        while size > 0, !fits(size) { size -= 1 }
        while size < limit, fits(size + 1) { size += 1 }
        return size
    }

    /// Requests per nanosecond of batches of `count` requests.
    private func rate(
        _ count: Int32,
        of unit: Int32,
        at now: Instant,
        using forecast: borrowing Forecast
    ) -> Double? {
        guard let span = forecast.latency(row: row, items: count * unit, at: now) else {
            return nil
        }
        return Double(count) / Double(max(1, span.nanoseconds))
    }

    private func items(of slot: Int32, in state: borrowing DispatchState) -> Int32 {
        max(1, state.requests[Int(slot)].items)
    }
}
