import CHost
import ServingDomain

/// The cores that a batch was given.
struct CoreSeat {
    /// Their numbers; empty = any of its instance's.
    var cores: ArraySlice<Int32> = []
    /// What it counts on each of them.
    var weight: Int64 = 0
    /// Whether it stays there until it ends; else it begins there, and the kernel moves it on.
    var stays = false
}

/// Which cores run what.
///
/// Where work that gives way (low batches, loading) fills the cores that other work leaves, the
/// kernel takes none of them for idle: it lets two high threads wait for each other on one core
/// while low work has the next, and a low one for a high one while loading has the next
/// (Docs/BENCHMARKS.md, "Who gives way"). So batches of lanes with a width are told their cores:
/// high ones those that they stay on, low ones those that they begin on, since a core that a high
/// one leaves must not stay without work.
struct CoreSeats {
    private let urgency: ClassUrgency
    /// The core of a thread that hands a batch over and goes on with other work, as an event loop
    /// does; -1 = whoever hands it over sleeps next.
    private(set) var caller: Int32 = -1
    /// By number of the core: the weights of all batches that sit there.
    private var load: [Int64] = []
    /// What batches count: high ones more than any number of low ones, and of those the ones that
    /// overtake others more than any number of the rest.
    private static let high: Int64 = 1 << 32, overtaking: Int64 = 1 << 16, low: Int64 = 1

    init(_ urgency: ClassUrgency) { self.urgency = urgency }

    /// Says that the calling thread goes on with other work after what it hands over now, or, by
    /// false, that it does not.
    mutating func callerGoesOn(_ does: Bool) {
        caller = does && urgency.givesWay(isHigh: false) ? host_this_core() : -1
    }

    /// Gives a batch of a lane `width` of its cores, side by side: those that have the least to do,
    /// of equal ones those that its caller is not on, of these those that the lane had before. No
    /// cores where nobody gives way.
    ///
    /// Cost: O(cores).
    mutating func seat(
        _ seating: @autoclosure () -> (cores: [Int32], width: Int, last: ArraySlice<Int32>)?,
        isHigh: Bool,
        overtakes: Bool
    ) -> CoreSeat {
        guard urgency.givesWay(isHigh: false), let offer = seating() else { return CoreSeat() }
        let weight = isHigh ? Self.high : overtakes ? Self.overtaking : Self.low
        var best: (load: Int64, liking: Int, cores: ArraySlice<Int32>)?
        for start in stride(from: 0, through: offer.cores.count - offer.width, by: offer.width) {
            let cores = offer.cores[start..<start + offer.width]
            let load = cores.reduce(into: Int64(0)) { $0 += self.load(of: $1) }
            let liking = (cores.contains(caller) ? 0 : 2) + (cores == offer.last ? 1 : 0)
            let isBetter = best.map { load < $0.load || load == $0.load && liking > $0.liking }
            if isBetter ?? true { best = (load, liking, cores) }
        }
        guard let cores = best?.cores else { return CoreSeat() }
        add(weight, to: cores)
        return CoreSeat(cores: cores, weight: weight, stays: isHigh)
    }

    /// A low batch goes before the others from now on.
    mutating func hasten(_ seat: inout CoreSeat) {
        guard seat.weight == Self.low else { return }
        add(Self.overtaking - Self.low, to: seat.cores)
        seat.weight = Self.overtaking
    }

    /// A batch has ended.
    mutating func giveBack(_ seat: inout CoreSeat) {
        guard !seat.cores.isEmpty else { return }
        add(-seat.weight, to: seat.cores)
        seat = CoreSeat()
    }

    private func load(of core: Int32) -> Int64 {
        Int(core) < load.count ? load[Int(core)] : 0
    }

    private mutating func add(_ weight: Int64, to cores: ArraySlice<Int32>) {
        for core in cores where core >= 0 {
            while load.count <= Int(core) { load.append(0) }
            load[Int(core)] += weight
        }
    }
}
