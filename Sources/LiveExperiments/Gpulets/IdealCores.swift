import ServingDomain
import Workloads

/// What the cores of a machine allow by themselves: how many requests of a load miss their
/// objectives if nothing but the models' own computing takes time.
///
/// Each request runs on one core, at the speed that was measured there; high before low, the
/// earliest deadline first, preempted for nothing, and given up as soon as it can't make it. What
/// batches and several cores for one request gain is left out: on a CPU it is little.
struct IdealCores: Hashable, Sendable {
    /// Requests of one kind; times in seconds.
    struct Work: Sendable {
        /// When they come.
        var process: ArrivalProcess
        /// What one takes on a core of its own, and how long it may take.
        var time: Double, objective: Double
        /// Its class.
        var isHigh: Bool
    }

    private struct Request {
        var isHigh: Bool
        var deadline: Double, rest: Double
        var counts: Bool

        /// Whether it goes before `other`.
        func precedes(_ other: Request) -> Bool {
            isHigh != other.isHigh ? isHigh : deadline < other.deadline
        }
    }

    /// How many there are.
    let cores: Int

    /// The part of the requests that miss their objectives, in per cent; those that come during
    /// the warm-up do not count.
    ///
    /// The arrivals are those that a load generator with this seed sends.
    /// Cost: O(requests x those that wait).
    func violationPercent(
        of works: [Work],
        seed: UInt64,
        warmUp: Double,
        seconds: Double
    ) -> Double {
        let arriving = requests(of: works, seed: seed, warmUp: warmUp, seconds: seconds)
        var (now, next, missed) = (0.0, 0, 0)
        var waiting: [Request] = []
        while next < arriving.count || !waiting.isEmpty {
            if waiting.isEmpty { now = max(now, arriving[next].at) }
            while next < arriving.count, arriving[next].at <= now {
                let request = arriving[next].request
                let place = waiting.firstIndex { request.precedes($0) } ?? waiting.endIndex
                waiting.insert(request, at: place)
                next += 1
            }
            missed += waiting.count { $0.counts && now + $0.rest > $0.deadline }
            waiting.removeAll { now + $0.rest > $0.deadline }
            let running = waiting.indices.prefix(cores)
            guard let shortest = running.map({ waiting[$0].rest }).min() else { continue }
            let span = min(shortest, next < arriving.count ? arriving[next].at - now : shortest)
            for place in running { waiting[place].rest -= span }
            now += span
            waiting.removeAll { $0.rest <= Self.nothing }
        }
        let all = arriving.count { $0.request.counts }
        return all > 0 ? 100 * Double(missed) / Double(all) : 0
    }

    /// Less than this is no time.
    private static let nothing = 1e-9

    private func requests(
        of works: [Work],
        seed: UInt64,
        warmUp: Double,
        seconds: Double
    ) -> [(at: Double, request: Request)] {
        var found: [(at: Double, request: Request)] = []
        for (stream, work) in works.enumerated() {
            for time in Arrivals(work.process, seed: seed, stream: UInt64(stream)) {
                let at = time.inSeconds
                guard at < warmUp + seconds else { break }
                found.append(
                    (
                        at,
                        Request(
                            isHigh: work.isHigh,
                            deadline: at + work.objective,
                            rest: work.time,
                            counts: at >= warmUp
                        )
                    )
                )
            }
        }
        return found.sorted { $0.at < $1.at }
    }
}
