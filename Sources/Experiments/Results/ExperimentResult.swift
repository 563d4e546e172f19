/// What a reproduction found: rows of numbers, and checks that hold or don't.
public struct ExperimentResult: Hashable, Sendable {
    /// Which experiment, such as `gpulets`.
    public var experiment: String
    /// The seed that everything was drawn from.
    public var seed: UInt64
    /// The numbers, in the order in which they are told.
    public var rows: [ResultRow]
    /// The checks, in the order in which they are told.
    public var checks: [ResultCheck]

    /// Creates a result.
    public init(
        experiment: String,
        seed: UInt64,
        rows: [ResultRow] = [],
        checks: [ResultCheck] = []
    ) {
        self.experiment = experiment
        self.seed = seed
        self.rows = rows
        self.checks = checks
    }

    /// Whether everything holds that must; claims may fail.
    public var gatesHold: Bool { checks.allSatisfy { $0.kind == .claim || $0.holds } }
}

/// One number of a reproduction, beside what was published.
public struct ResultRow: Hashable, Sendable {
    /// A word that tells rows of one metric apart, such as `planner` = `elastic`.
    public struct Label: Hashable, Sendable {
        /// What is told apart.
        public var key: String
        /// Which one this is.
        public var value: String

        /// Creates a label.
        public init(_ key: String, _ value: String) {
            self.key = key
            self.value = value
        }
    }

    /// What a number rests on.
    public enum Basis: String, Hashable, Sendable {
        /// The simulator or a device model.
        case simulated
        /// Real hardware.
        case measured
        /// Data that others measured.
        case replayed
    }

    /// What was counted or measured.
    public var metric: String
    /// Which case of it.
    public var labels: [Label]
    /// What the paper says; nil = not known.
    public var published: Double?
    /// What we found; nil = could not be found, which `note` of a check explains.
    public var measured: Double?
    /// The unit, such as `%`, `ms`, `r/s`.
    public var unit: String
    /// What it rests on.
    public var basis: Basis

    /// Creates a row.
    public init(
        _ metric: String,
        labels: [Label] = [],
        published: Double? = nil,
        measured: Double?,
        unit: String,
        basis: Basis
    ) {
        self.metric = metric
        self.labels = labels
        self.published = published
        self.measured = measured
        self.unit = unit
        self.basis = basis
    }
}

/// A statement about the numbers that holds or doesn't.
public struct ResultCheck: Hashable, Sendable {
    /// How much depends on it.
    public enum Kind: String, Hashable, Sendable {
        /// Must hold: golden vectors, audits, digests.
        case gate
        /// A comparison; where it fails the note says why.
        case claim
    }

    /// The check's name.
    public var name: String
    /// How much depends on it.
    public var kind: Kind
    /// What is wanted, in words.
    public var goal: String
    /// The number that decides; nil where none does.
    public var value: Double?
    /// Whether it holds.
    public var holds: Bool
    /// What else there is to say, such as why it fails.
    public var note: String

    /// Creates a check.
    public init(
        _ name: String,
        kind: Kind,
        goal: String,
        value: Double?,
        holds: Bool,
        note: String = ""
    ) {
        self.name = name
        self.kind = kind
        self.goal = goal
        self.value = value
        self.holds = holds
        self.note = note
    }
}
