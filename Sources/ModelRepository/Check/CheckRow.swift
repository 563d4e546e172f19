/// One line of `sluice check`: a field of a model and what becomes of it.
public struct CheckRow: Hashable, Sendable {
    /// The model's name.
    public var model: String
    /// The file that the line number speaks of; empty without a number.
    public var source: String
    /// What became of which field, and why.
    public var finding: ConfigFinding

    /// Creates a line.
    public init(model: String, source: String, finding: ConfigFinding) {
        self.model = model
        self.source = source
        self.finding = finding
    }
}
