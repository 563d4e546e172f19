/// What `sluice reproduce` found, as a file has it (design, section 4).
public struct ResultDocument: Hashable, Sendable {
    /// A word that tells rows of one metric apart.
    public struct Label: Hashable, Sendable {
        /// What is told apart, such as `planner`.
        public var key: String
        /// Which one this is.
        public var value: String

        /// Creates a label.
        public init(key: String, value: String) {
            self.key = key
            self.value = value
        }
    }

    /// One number.
    public struct Row: Hashable, Sendable {
        /// What was counted or measured.
        public var metric: String
        /// Which case of it.
        public var labels: [Label]
        /// What the paper says, and what was found; nil = not known.
        public var published: Double?, measured: Double?
        /// The unit.
        public var unit: String
        /// `simulated`, `measured` or `replayed`.
        public var basis: String

        /// Creates a row.
        public init(
            metric: String,
            labels: [Label] = [],
            published: Double?,
            measured: Double?,
            unit: String,
            basis: String
        ) {
            self.metric = metric
            self.labels = labels
            self.published = published
            self.measured = measured
            self.unit = unit
            self.basis = basis
        }
    }

    /// A statement that holds or doesn't.
    public struct Check: Hashable, Sendable {
        /// The check's name.
        public var name: String
        /// `gate` or `claim`.
        public var kind: String
        /// What is wanted.
        public var goal: String
        /// The number that decides.
        public var value: Double?
        /// Whether it holds.
        public var holds: Bool
        /// What else there is to say.
        public var note: String

        /// Creates a check.
        public init(
            name: String,
            kind: String,
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

    /// The most rows, and the most checks.
    public static let rowLimit = 1_000_000

    /// The words for what a number rests on.
    static let bases = ["simulated", "measured", "replayed"]
    /// The words for how much depends on a check.
    static let kinds = ["gate", "claim"]

    /// Which experiment.
    public var experiment: String
    /// The seed.
    public var seed: UInt64
    /// The numbers.
    public var rows: [Row]
    /// The checks.
    public var checks: [Check]

    /// Creates a result.
    public init(experiment: String, seed: UInt64, rows: [Row], checks: [Check]) {
        self.experiment = experiment
        self.seed = seed
        self.rows = rows
        self.checks = checks
    }

    /// Reads a result from JSON or YAML.
    public init(reading bytes: [UInt8], source: String) throws(DocumentError) {
        let root = try DocumentReader.read(bytes, source: source).object([
            "experiment", "seed", "rows", "checks",
        ])
        experiment = try root.required("experiment").name()
        seed = try root.required("seed").seed()
        rows = []
        for entry in try root.required("rows").list(limit: Self.rowLimit) {
            rows.append(try Row(entry))
        }
        checks = []
        for entry in try root.required("checks").list(limit: Self.rowLimit) {
            let object = try entry.object(["name", "kind", "goal", "value", "holds", "note"])
            checks.append(
                Check(
                    name: try object.required("name").string(),
                    kind: try object.required("kind").word(of: Self.kinds),
                    goal: try object.required("goal").string(),
                    value: try object.optional("value")?.anyNumber(),
                    holds: try object.required("holds").bool(),
                    note: try object.optional("note")?.string() ?? ""
                )
            )
        }
    }

    /// The result as JSON, one row or check per line; equal results give equal bytes.
    public func json() -> [UInt8] {
        let text = JSONText.object([
            ("experiment", JSONText.string(experiment)),
            ("seed", String(seed)),
            ("rows", JSONText.lines(rows.map(\.json))),
            ("checks", JSONText.lines(checks.map(\.json))),
        ])
        return Array((text + "\n").utf8)
    }
}

extension ResultDocument.Row {
    fileprivate init(_ node: DocumentNode) throws(DocumentError) {
        let object = try node.object([
            "metric", "labels", "published", "measured", "unit", "basis",
        ])
        var labels: [ResultDocument.Label] = []
        for (key, value) in try object.optional("labels")?.entries(limit: 64) ?? [] {
            labels.append(ResultDocument.Label(key: key, value: try value.string()))
        }
        self.init(
            metric: try object.required("metric").string(),
            labels: labels,
            published: try object.optional("published")?.anyNumber(),
            measured: try object.optional("measured")?.anyNumber(),
            unit: try object.required("unit").string(),
            basis: try object.required("basis").word(of: ResultDocument.bases)
        )
    }

    fileprivate var json: String {
        let labels = labels.map { (key: $0.key, value: Optional(JSONText.string($0.value))) }
        return JSONText.object([
            ("metric", JSONText.string(metric)),
            ("labels", JSONText.object(labels)),
            ("published", JSONText.numberOrNull(published)),
            ("measured", JSONText.numberOrNull(measured)),
            ("unit", JSONText.string(unit)),
            ("basis", JSONText.string(basis)),
        ])
    }
}

extension ResultDocument.Check {
    fileprivate var json: String {
        JSONText.object([
            ("name", JSONText.string(name)),
            ("kind", JSONText.string(kind)),
            ("goal", JSONText.string(goal)),
            ("value", JSONText.numberOrNull(value)),
            ("holds", String(holds)),
            ("note", JSONText.string(note)),
        ])
    }
}
