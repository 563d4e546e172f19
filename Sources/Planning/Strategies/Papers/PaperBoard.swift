import ServingDomain

/// One model's seat on a gpulet while a plan is made.
struct PaperLane {
    /// Why it got this seat, in a form that costs nothing until somebody wants the words.
    enum Reason {
        case knee, rest, leftOver, largestFree, shared
        case wholeDevice, wholeRest
    }

    var model: Int
    var milliRate: Int64
    var reason: Reason
    var batch: Int32 = 1
    /// Of a full batch beside its co-runners, margins included.
    var latency: Int64 = 0
}

/// A part of a device while a plan is made.
struct PaperGpulet {
    var units: Int32
    var lanes: [PaperLane] = []
    var duty: Int64 = 0

    /// What one turn of every lane takes.
    var round: Int64 { lanes.reduce(0) { $0 + $1.latency } }

    /// The busy part of a turn.
    var occupancy: Double {
        guard let first = lanes.first else { return 0 }
        if lanes.count > 1 { return Double(round) / Double(max(1, duty)) }
        let turn = PaperTables.gathering(Int64(first.batch), first.milliRate)
        return Double(first.latency) / Double(max(1, turn))
    }
}

/// A device while a plan is made.
struct PaperDevice {
    var number: Int
    var gpulets: [PaperGpulet]
}

/// How one or several lanes take turns on a gpulet.
enum Turns {
    /// A lane with its latencies beside its co-runners; none where it can't run on these units.
    struct Member {
        var milliRate: Int64
        var slo: Int64
        var curve: [Int64]
    }

    /// Batches and duty cycle that serve every member within its objective; nil if there are none.
    ///
    /// Alone (notes, 2.1): the largest batch with 2L <= SLO that keeps up, L <= b/rate. Together
    /// (notes, 1.1): batches of what comes in during the cycle, rounded up so that the rate is
    /// really served; sum L <= cycle and cycle + sum L <= every SLO; of the cycles at which a
    /// batch just fills the longest that passes.
    static func solve(_ members: [Member]) -> (batches: [Int32], duty: Int64)? {
        members.count == 1 ? alone(members[0]) : together(members)
    }

    private static func alone(_ member: Member) -> (batches: [Int32], duty: Int64)? {
        let (curve, slo) = (member.curve, member.slo)
        for place in curve.indices.reversed() where curve[place] <= slo / 2 {
            if curve[place] <= PaperTables.gathering(Int64(place) + 1, member.milliRate) {
                return ([Int32(place) + 1], gathering(place, member))
            }
        }
        return nil
    }

    /// How long a lone lane may gather (design, section 4, rule 8).
    private static func gathering(_ place: Int, _ member: Member) -> Int64 {
        let latency = member.curve[place]
        let fill = PaperTables.gathering(Int64(place), member.milliRate)
        return min(max(latency, fill), max(0, member.slo - latency))
    }

    private static func together(_ members: [Member]) -> (batches: [Int32], duty: Int64)? {
        // Somebody has no latencies on so few units.
        guard !members.contains(where: \.curve.isEmpty) else { return nil }
        let slo = members.reduce(PaperTables.noLimit) { min($0, $1.slo) }
        var batches = members.map { _ in Int32(1) }
        var found: (batches: [Int32], duty: Int64)?
        while true {
            var cycle = Int64.max
            var full = 0
            for (place, member) in members.enumerated() {
                let turn = PaperTables.gathering(Int64(batches[place]), member.milliRate)
                if turn < cycle { (cycle, full) = (turn, place) }
            }
            var round: Int64 = 0
            for (place, member) in members.enumerated() {
                round += member.curve[Int(batches[place]) - 1]
            }
            if round <= slo / 2 {
                if cycle + round <= slo, cycle >= round {
                    found = (batches, cycle)
                } else if cycle > slo - round, found == nil {
                    // Everybody is slower than that: half of what is left, for safety.
                    found = (batches, max(round, (slo - round) / 2))
                }
            }
            if cycle >= slo || Int(batches[full]) >= members[full].curve.count { return found }
            batches[full] += 1
        }
    }
}
