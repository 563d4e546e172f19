import Glibc
import ServingDomain
import Synchronization

/// How busy the machine is, by the kernel's own counters; also what other processes do counts.
final class HostLoad: Sendable {
    /// Time that all cores have spent, in the kernel's ticks.
    struct Ticks: Hashable, Sendable {
        /// Ticks in which something ran.
        var busy: UInt64
        /// All ticks.
        var total: UInt64
    }

    /// Memory in bytes.
    struct Memory: Hashable, Sendable {
        /// What the machine has.
        var total: Int64
        /// What is in use, without caches that the kernel would give up.
        var used: Int64
    }

    private struct State {
        var before: Ticks?
        var at: Instant
        var share = 0.0
    }

    /// A busy share is over this time at least: shorter ones jump about.
    static let window = TimeSpan.seconds(1)

    private let state: Mutex<State>

    /// Begins to count.
    init() {
        state = Mutex(
            State(before: Self.ticks(of: Self.text("/proc/stat")), at: MonotonicTime.now())
        )
    }

    /// The busy share of all cores, 0 to 1, from the last look that is a window old until now.
    ///
    /// Reads a small file of the kernel's, at most once in a window; 0 where there is none.
    func processorShare() -> Double {
        let now = MonotonicTime.now()
        return state.withLock { state in
            guard now - state.at >= Self.window else { return state.share }
            let ticks = Self.ticks(of: Self.text("/proc/stat"))
            if let ticks, let before = state.before, ticks.total > before.total {
                let busy = ticks.busy >= before.busy ? ticks.busy - before.busy : 0
                state.share = min(1, Double(busy) / Double(ticks.total - before.total))
            }
            (state.before, state.at) = (ticks, now)
            return state.share
        }
    }

    /// The machine's memory; zeros where the kernel does not say.
    static func memory() -> Memory { memory(of: text("/proc/meminfo")) }

    // MARK: Reading

    /// Sums the first line of `/proc/stat`: user, nice, system, idle, iowait, irq, softirq, steal;
    /// what follows is counted in these.
    static func ticks(of text: String) -> Ticks? {
        let words = text.prefix { $0 != "\n" }.split(separator: " ")
        guard words.first == "cpu" else { return nil }
        let numbers = words.dropFirst().prefix(8).compactMap { UInt64($0) }
        guard numbers.count >= 4 else { return nil }
        let total = numbers.reduce(0, &+)
        let idle = numbers[3] &+ (numbers.count > 4 ? numbers[4] : 0)
        return Ticks(busy: total &- min(idle, total), total: total)
    }

    /// Finds the total and the available memory in `/proc/meminfo`.
    static func memory(of text: String) -> Memory {
        func bytes(_ name: String) -> Int64 {
            for line in text.split(separator: "\n") where line.hasPrefix(name) {
                let words = line.split(separator: " ")
                return words.count > 1 ? (Int64(words[1]) ?? 0) << 10 : 0
            }
            return 0
        }
        let total = bytes("MemTotal:")
        return Memory(total: total, used: max(0, total - bytes("MemAvailable:")))
    }

    private static func text(_ path: String) -> String {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return "" }
        defer { close(file) }
        let bytes = [UInt8](unsafeUninitializedCapacity: 4_096) { buffer, count in
            count = max(0, read(file, buffer.baseAddress, buffer.count))
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// How much of what it has the server uses, for balancers that ask in their requests.
public struct ServerLoad: Hashable, Sendable {
    /// The busy share of the machine's cores, 0 to 1.
    public var processors: Double
    /// The share of the machine's memory that is in use, 0 to 1.
    public var memory: Double
    /// The share of the request table that is taken, 0 to 1.
    public var slots: Double
    /// Requests that hold a slot.
    public var requests: Int
}
