/// What became of one field of a configuration.
public struct ConfigFinding: Hashable, Sendable {
    /// The ends that a field can come to.
    public enum Verdict: String, Hashable, Sendable, CaseIterable {
        /// It is obeyed.
        case mapped
        /// It is read and has no effect.
        case ignored
        /// Nobody knows it; it is kept and echoed.
        case unknown
        /// It asks for something that is not served; the model is not loaded.
        case refused
        /// It is wrong; the model is not loaded.
        case error

        /// Whether the model can't be served with it.
        public var isFatal: Bool { self == .refused || self == .error }
    }

    /// The field's path, such as `dynamic_batching.priority_levels`; empty = the whole model.
    public var field: String
    /// What became of it.
    public var verdict: Verdict
    /// One line: how it is obeyed, or why not and the next step.
    public var note: String
    /// Where it stands in the text, if it comes from one.
    public var position: TextPosition?

    /// Creates a finding.
    public init(
        _ field: String,
        _ verdict: Verdict,
        _ note: String,
        at position: TextPosition? = nil
    ) {
        self.field = OneLine.of(field)
        self.verdict = verdict
        self.note = OneLine.of(note)
        self.position = position
    }
}

/// Collects findings while a configuration is mapped, so that `check` can list them all.
struct Findings {
    private(set) var all: [ConfigFinding] = []

    mutating func add(_ finding: ConfigFinding) { all.append(finding) }

    mutating func mapped(_ field: String, _ note: String, at position: TextPosition? = nil) {
        add(ConfigFinding(field, .mapped, note, at: position))
    }

    mutating func ignored(_ field: String, _ note: String, at position: TextPosition? = nil) {
        add(ConfigFinding(field, .ignored, note, at: position))
    }

    mutating func refused(_ field: String, _ note: String, at position: TextPosition? = nil) {
        add(ConfigFinding(field, .refused, note, at: position))
    }

    mutating func error(_ field: String, _ note: String, at position: TextPosition? = nil) {
        add(ConfigFinding(field, .error, note, at: position))
    }

    /// The first finding with which the model can't be served.
    var fatal: ConfigFinding? { all.first { $0.verdict.isFatal } }
}
