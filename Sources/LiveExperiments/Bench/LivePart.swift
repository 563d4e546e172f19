/// One question that is put to real servers; in the order in which they are put. That of `g` comes
/// last, since it takes what time is left.
public enum LivePart: String, Hashable, Sendable, CaseIterable {
    /// The highest rate of a mix within 1 % violations, system by system.
    case rates = "a"
    /// Rates that rise and fall while plans follow.
    case fluctuation = "b"
    /// High priority while low priority asks for three times what there is.
    case protection = "c"
    /// One trace, simulated and live.
    case parity = "d"
    /// Models loaded and unloaded, plans made anew, under load.
    case churn = "e"
    /// Four emulated GPUs at the planner's highest rate.
    case emulated = "f"
    /// What the layers that decide cost.
    case overhead = "h"
    /// Batch sizes and instances on real cores: every setting, and what scalers choose.
    case scaler = "g"

    /// What it is, in a few words.
    public var title: String {
        switch self {
        case .rates: "highest rate within 1 % violations"
        case .fluctuation: "rates that rise and fall"
        case .protection: "high priority under a flood of low"
        case .parity: "the same trace simulated and live"
        case .churn: "loading, unloading, planning anew under load"
        case .emulated: "four emulated GPUs"
        case .scaler: "batch sizes and instances on real cores"
        case .overhead: "what deciding costs"
        }
    }

    /// Reads a list such as `a,c`; nil = all.
    ///
    /// - Throws: `LiveError` with the known letters.
    public static func list(_ text: String?) throws(LiveError) -> [LivePart] {
        guard let text else { return allCases }
        let words = text.split(separator: ",").map(String.init)
        for word in words where LivePart(rawValue: word) == nil {
            let known = allCases.map { "\($0.rawValue) (\($0.title))" }.joined(separator: ", ")
            throw LiveError("there is no part '\(word)'; known: \(known)")
        }
        let wanted = allCases.filter { words.contains($0.rawValue) }
        guard !wanted.isEmpty else { throw LiveError("no part is named; give such as a,c") }
        return wanted
    }
}
