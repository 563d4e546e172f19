import ServingDomain

/// The latencies of the batches since a point in time, the last 512 of them at most.
struct LatencyWindow: Sendable {
    private static let capacity = 512

    private var samples: [Int64] = []
    private var next = 0
    private var sum: Int64 = 0
    /// How many batches ended, forgotten ones included.
    private(set) var seen = 0

    init() { samples.reserveCapacity(Self.capacity) }

    /// How many latencies it holds.
    var count: Int { samples.count }

    /// Takes one latency. O(1), no allocation.
    mutating func add(_ latency: TimeSpan) {
        let sample = max(0, min(latency.nanoseconds, Int64.max >> 12))
        seen += 1
        sum += sample
        if samples.count < Self.capacity {
            samples.append(sample)
        } else {
            sum -= samples[next]
            samples[next] = sample
            next = (next + 1) % Self.capacity
        }
    }

    /// Forgets all.
    mutating func clear() {
        samples.removeAll(keepingCapacity: true)
        next = 0
        sum = 0
        seen = 0
    }

    /// The mean; nil when empty.
    var mean: TimeSpan? {
        samples.isEmpty ? nil : TimeSpan(nanoseconds: sum / Int64(samples.count))
    }

    /// The standard error of the mean, as a part of it; 1 below two batches. O(count).
    var relativeError: Double {
        guard samples.count >= 2, sum > 0 else { return 1 }
        let count = Double(samples.count)
        let mean = Double(sum) / count
        var squares = 0.0
        for sample in samples { squares += (Double(sample) - mean) * (Double(sample) - mean) }
        return (squares / (count - 1) / count).squareRoot() / mean
    }

    /// The smallest latency that `milli` thousandths of the batches do not exceed; nil when
    /// empty. O(count): quickselect on a copy.
    func quantile(milli: Int32) -> TimeSpan? {
        guard !samples.isEmpty else { return nil }
        let rank = (samples.count * Int(milli) + 999) / 1_000
        var copy = samples
        return TimeSpan(nanoseconds: Self.select(&copy, max(0, min(rank, copy.count) - 1)))
    }

    private static func select(_ values: inout [Int64], _ place: Int) -> Int64 {
        var (low, high) = (0, values.count - 1)
        while low < high {
            // The middle of three as pivot: sorted windows are common.
            let pivot = median(values[low], values[(low + high) / 2], values[high])
            var (left, right) = (low, high)
            while left <= right {
                while values[left] < pivot { left += 1 }
                while values[right] > pivot { right -= 1 }
                if left <= right {
                    values.swapAt(left, right)
                    left += 1
                    right -= 1
                }
            }
            if place <= right {
                high = right
            } else if place >= left {
                low = left
            } else {
                break
            }
        }
        return values[place]
    }

    private static func median(_ first: Int64, _ second: Int64, _ third: Int64) -> Int64 {
        max(min(first, second), min(max(first, second), third))
    }
}
