import ServingTestKit
import Testing

@testable import Planning

/// `SharedQueue` against the sum that it stands for, term by term.
@Suite struct SharedQueueTests {
    @Test(
        "Moved sums are the convolution of waits with rounded rests, cell by cell",
        arguments: 1...24 as ClosedRange<UInt64>
    )
    func convolution(seed: UInt64) {
        var dice = SeededGenerator(seed: seed)
        let count = dice.number(in: 1...6)
        let load = dice.one(of: [0.2, 0.7, 0.95])
        let streams = (0..<count).map { _ -> SharedQueue.Stream in
            // From a fraction of a cell to more than the longest window.
            let time = 0.01 + 30 * dice.fraction() * dice.fraction()
            return .init(rate: load / Double(count) / time, time: time)
        }
        let windows = (0..<count).map { _ in 12 * dice.fraction() - 1 }
        let found = SharedQueue(streams: streams).later(than: windows)
        for (found, wanted) in zip(found, Self.later(streams, windows)) {
            #expect(abs(found - wanted) < 1e-12, "\(found) is not \(wanted)")
        }
    }

    /// Pollaczek and Khinchine on the same grid, each term by itself.
    static func later(_ streams: [SharedQueue.Stream], _ windows: [Double]) -> [Double] {
        let load = streams.reduce(0) { $0 + $1.rate * $1.time }
        guard let longest = windows.max(), longest > 0 else {
            return windows.map { $0 < 0 ? 1 : load }
        }
        let cell = longest / Double(SharedQueue.cells)
        var rests = Array(repeating: 0.0, count: SharedQueue.cells + 1)
        for stream in streams {
            for place in 1...SharedQueue.cells {
                let within = min(cell, max(0, stream.time - Double(place - 1) * cell))
                rests[place] += stream.rate * within
            }
        }
        var waits = [1 - load]
        for place in 1...SharedQueue.cells {
            waits.append((1...place).reduce(0) { $0 + rests[$1] * waits[place - $1] })
        }
        return windows.map { window in
            guard window >= 0 else { return 1 }
            let last = min(SharedQueue.cells, Int(window / cell))
            return max(0, 1 - waits[0...last].reduce(0, +))
        }
    }
}
