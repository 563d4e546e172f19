import Documents
import ServingDomain

/// Models that share a machine, each with an equal part of the computing: what their rates are at
/// any load.
struct LiveMix: Hashable, Sendable {
    /// One model of a mix.
    struct Member: Hashable, Sendable {
        /// The model's name.
        var name: String
        /// The median of one item alone on the whole device, in milliseconds.
        var soloMs: Double
        /// The same on the fewest cores that were measured.
        var narrowMs: Double
        /// The objective in milliseconds.
        var sloMs: Double
        /// The class of its requests.
        var priority: PriorityClass
    }

    /// How many times the solo time a request may take.
    static let slack = 5.0
    /// The shortest objective, in milliseconds.
    static let leastMs = 20.0

    /// The members, the lightest first.
    let members: [Member]

    /// Takes the objectives from what was measured alone: five times the solo median, at least
    /// 20 ms; the lighter half is of class high.
    ///
    /// - Throws: `LiveError` where a profile lacks batch 1 on the whole device.
    init(_ profiles: [Profile]) throws(LiveError) {
        var members: [Member] = []
        for profile in profiles {
            let alone = profile.latency.filter { $0.batch == 1 && $0.instances == 1 && $0.ms > 0 }
            guard let ms = alone.first(where: { $0.share > 99.9 })?.ms else {
                throw LiveError("the profile of '\(profile.model)' lacks batch 1 on all cores")
            }
            members.append(
                Member(
                    name: profile.model,
                    soloMs: ms,
                    narrowMs: alone.min { $0.share < $1.share }?.ms ?? ms,
                    sloMs: max(Self.leastMs, Self.slack * ms),
                    priority: .low
                )
            )
        }
        members.sort { ($0.soloMs, $0.name) < ($1.soloMs, $1.name) }
        for place in members.indices where place < members.count / 2 {
            members[place].priority = .high
        }
        self.members = members
    }

    /// Requests per second of a member at a load; load 1 keeps the device busy with batches of
    /// one, each member for an equal part of the time.
    func rate(of member: Member, at load: Double) -> Double {
        load * 1_000 / (member.soloMs * Double(members.count))
    }

    /// All members' rates together.
    func rate(at load: Double) -> Double {
        members.reduce(0) { $0 + rate(of: $1, at: load) }
    }

    /// Only the members of one class.
    func members(of priority: PriorityClass) -> [Member] {
        members.filter { $0.priority == priority }
    }

    /// The demand file for a load.
    func demand(at load: Double) -> Demand {
        Demand(
            models: members.map { member in
                var model = Demand.Model(
                    model: member.name,
                    rate: rate(of: member, at: load),
                    slo: .milliseconds(rounding: member.sloMs)
                )
                model.priority = member.priority
                return model
            }
        )
    }

    /// What each model's configuration is told.
    var settings: [(network: String, settings: ModelSettings)] {
        members.map { ($0.name, ModelSettings(sloMs: $0.sloMs, priority: $0.priority)) }
    }
}
