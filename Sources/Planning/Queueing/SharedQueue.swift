/// One request at a time, oldest first, for all lanes of one gpulet: how long they wait.
///
/// Poisson arrivals of several models with fixed times make an M/G/1 queue. Its waiting time is
/// a geometric number of residual times (Pollaczek and Khinchine), summed here on a grid whose
/// cells round every residual up, so that the answer errs to the safe side.
/// Times are in any one unit, rates in its inverse. Cost: O(lanes x cells).
struct SharedQueue: Hashable {
    /// What one lane brings.
    struct Stream: Hashable {
        /// Requests per unit of time.
        var rate: Double
        /// The time of one.
        var time: Double
    }

    /// The cells of the longest window.
    static let cells = 128

    /// The lanes.
    let streams: [Stream]

    /// The busy part of the gpulet's time.
    var load: Double { streams.reduce(0) { $0 + $1.rate * $1.time } }

    /// The part of the requests that meet one whose rest alone is longer than `window`; never
    /// more than `later(than:)` says, and much cheaper.
    func surelyLater(than window: Double) -> Double {
        guard window >= 0 else { return 1 }
        return streams.reduce(0) { $0 + $1.rate * max(0, $1.time - window) }
    }

    /// For every window the part of the requests that wait longer before they start.
    func later(than windows: [Double]) -> [Double] {
        let load = load
        guard load < 0.999 else { return windows.map { _ in 1 } }
        guard load > 0, let longest = windows.max(), longest > 0 else {
            return windows.map { $0 < 0 ? 1 : load }
        }
        let cell = longest / Double(Self.cells)
        let rests = streams.filter { $0.time > 0 && $0.rate > 0 }.map { Rest(of: $0, by: cell) }
        var waits = Array(repeating: 0.0, count: Self.cells + 1)
        var within = waits
        (waits[0], within[0]) = (1 - load, 1 - load)
        for place in 1...Self.cells {
            var wait = 0.0
            // A rest is uniform, so that it moves a sum along instead of making one anew.
            for rest in rests {
                let last = place - 1 - rest.cells
                let before = last >= 0 ? within[last] : 0
                wait += rest.each * (within[place - 1] - before)
                if last >= 0 { wait += rest.end * waits[last] }
            }
            waits[place] = wait
            within[place] = within[place - 1] + wait
        }
        return windows.map { window in
            guard window >= 0 else { return 1 }
            return max(0, 1 - within[min(Self.cells, Int(window / cell))])
        }
    }

    /// The same without the lanes that `isKept` says no of.
    func only(_ isKept: [Bool]) -> SharedQueue {
        SharedQueue(streams: zip(streams, isKept).compactMap { $1 ? $0 : nil })
    }

    /// The part of each lane's requests that wait longer than its window, where the lanes of which
    /// `isAhead` says yes wait in `ahead` and the others here; infinite windows count as the
    /// longest finite one.
    func late(_ windows: [Double], ahead: SharedQueue, of isAhead: [Bool]) -> [Double] {
        let longest = windows.filter(\.isFinite).max() ?? 1
        let finite = windows.map { $0.isFinite ? $0 : longest }
        let all = later(than: finite)
        guard ahead != self else { return all }
        let first = ahead.later(than: finite)
        return isAhead.indices.map { isAhead[$0] ? first[$0] : all[$0] }
    }

    /// The rest of a running request, rounded up to whole cells, times the load that it is.
    private struct Rest {
        /// The cells that it fills.
        let cells: Int
        /// The chance of each of those.
        let each: Double
        /// The chance of the one after them, which it fills in part.
        let end: Double

        init(of stream: Stream, by cell: Double) {
            // Beyond the longest window nothing is asked.
            let filled = min(stream.time / cell, Double(SharedQueue.cells)).rounded(.down)
            cells = Int(filled)
            each = stream.rate * cell
            end = stream.rate * (stream.time - filled * cell)
        }
    }
}
