/// How long everything takes: all times in seconds. What bounds a run is written down here.
public struct LivePace: Hashable, Sendable {
    /// Before a load is counted.
    public var warmUp: Double
    /// The same where plans have to follow the load: two epochs of a server and a rollout.
    public var follow: Double
    /// The counted part of one probe of a search.
    public var probe: Double
    /// The most probes of a search with independent arrivals, and how often one that leaves it open
    /// may go on; of a system that no claim compares none does.
    public var probes: Int, extensions: Int
    /// The counted part of a longer load.
    public var load: Double
    /// Load beside which models come and go, in so many stretches, and the quiet load before,
    /// between and after them.
    public var churn: Double, stretches: Int, quiet: Double
    /// For one point of a profile.
    public var point: Double
    /// For one setting of batch and instances, how many networks are tried so, and how many must
    /// be where other parts leave little time.
    public var cell: Double, networks: Int, fewestNetworks: Int
    /// The longest that a scaler may take to settle.
    public var settle: Double
    /// How often two things are measured in turn, and how long each time.
    public var rounds: Int, turn: Double
    /// The longest that a whole run may take; parts that don't fit in are left out, and said so.
    public var limit: Double

    /// The whole run, 25 minutes at most.
    public static let whole = LivePace(
        warmUp: 2.5,
        follow: 5,
        probe: 3,
        probes: 4,
        extensions: 2,
        load: 11,
        churn: 600,
        stretches: 3,
        quiet: 14,
        point: 0.2,
        cell: 0.15,
        networks: 6,
        fewestNetworks: 1,
        settle: 6.5,
        rounds: 5,
        turn: 0.25,
        limit: 1_500
    )

    /// A few minutes; every check is decided, on little evidence.
    public static let quick = LivePace(
        warmUp: 1.5,
        follow: 4,
        probe: 2,
        probes: 3,
        extensions: 0,
        load: 6,
        churn: 50,
        stretches: 2,
        quiet: 6.5,
        point: 0.1,
        cell: 0.08,
        networks: 2,
        fewestNetworks: 2,
        settle: 6,
        rounds: 3,
        turn: 0.3,
        limit: 570
    )

    /// The most probes of a search: half as many of a system that no claim compares.
    func probes(isCompared: Bool) -> Int { isCompared ? probes : (probes + 1) / 2 }

    /// About how long part g takes for each network, in seconds.
    private var network: Double {
        24 * 1.5 * cell + 3 * (4 + settle) + 4 * Double(rounds) * turn
    }

    /// The seconds that one search may spend on probes that their first piece leaves open, two of
    /// which may go on to the end.
    var patience: Double {
        2 * (probe * Double((1 << (extensions + 1)) - 2) + Double(extensions))
    }

    /// The seconds that a part may take longer to measure once more what others spoiled: one
    /// measurement of most parts, some probes of a search.
    func repeats(of part: LivePart) -> Double {
        switch part {
        case .rates: 5 * (follow + probe)
        case .fluctuation: follow + 1.5 * load + 2
        case .protection: follow + ProtectionPart.patience * load + 6
        case .parity: ParityPart.length * load + 10
        case .emulated: follow + load + 5
        case .overhead: 8 * OverheadPart.span(self)
        // Only what finds the load; of all else the steal time is told alone.
        case .churn: Double(ChurnPart.trials) * (warmUp + ChurnPart.trial)
        case .scaler: 0
        }
    }

    /// How many networks part g tries where it has `seconds`.
    func networks(within seconds: Double) -> Int {
        let most = Double(networks)
        return max(fewestNetworks, Int(min(most, seconds / network)))
    }

    /// About how long a part takes, in seconds: what it sends and measures, and a start of each
    /// server.
    public func estimate(of part: LivePart) -> Double {
        let (start, drain) = (4.0, 5.0)
        let load = load + 1
        let one = follow + probe + 0.5
        func searches(_ isCompared: Bool) -> Double {
            let probes = 2 * probes(isCompared: isCompared)
            return start + follow + 12 + Double(probes) * one + (isCompared ? 2 * patience : 0)
        }
        return switch part {
        case .rates: 2 * searches(true) + 2 * searches(false)
        case .fluctuation: 2 * (start + follow + 1.5 * load)
        case .protection:
            2 * (start + follow + drain) + (1 + ProtectionPart.patience) * load
        case .parity: 60 * point + start + ParityPart.length * load
        case .churn:
            start + churn + Double(stretches + 1) * quiet
                + Double(2 * stretches + 1 + ChurnPart.trials) * warmUp
                + Double(ChurnPart.trials) * ChurnPart.trial + 2
        case .emulated: 2 * start + 2 * (follow + load + drain)
        case .scaler: Double(fewestNetworks) * network
        case .overhead:
            2 * start + 2 * Double(OverheadPart.rounds(self)) * (0.1 + OverheadPart.span(self))
        }
    }
}
