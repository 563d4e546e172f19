public import ServingDomain

/// What co-runners cost on a kind of device, as a device file says it.
public enum ContentionDescription: Hashable, Sendable {
    /// One entry of a table.
    public struct Pair: Hashable, Sendable {
        /// Who was slowed down, and by whom.
        public var victim: String, other: String
        /// How much longer the victim took, at least 1.
        public var slowdown: Double

        /// Creates an entry.
        public init(victim: String, other: String, slowdown: Double) {
            self.victim = victim
            self.other = other
            self.slowdown = slowdown
        }
    }

    /// Nothing.
    case none
    /// gpu-lets' linear form.
    case linear(LinearContention)
    /// Lost progress, linear in features.
    case loss(LossContention)
    /// Measured pairs, and the slowdown of those that were not measured.
    case pairs([Pair], unknown: Double)

    /// The words that `model` may be.
    static let words = ["none", "linear", "loss", "pairs"]

    /// The same in the domain's words; pairs of models that `models` does not list are left out.
    public func model(of models: [ModelSpec]) -> ContentionModel {
        switch self {
        case .none: return .none
        case .linear(let linear): return .linear(linear)
        case .loss(let loss): return .loss(loss)
        case .pairs(let pairs, let unknown):
            func id(_ name: String) -> ModelID? { models.first { $0.name == name }?.id }
            let known = pairs.compactMap { pair in
                id(pair.victim).flatMap { victim in
                    id(pair.other).map { other in
                        PairContention.Pair(
                            victim: victim,
                            other: other,
                            slowdown: pair.slowdown
                        )
                    }
                }
            }
            return .table(PairContention(known, unknown: unknown))
        }
    }

    init(_ node: DocumentNode) throws(DocumentError) {
        let coefficients = ["l2Self", "l2Other", "dramSelf", "dramOther", "constant"]
        let object = try node.object(
            ["model", "weights", "pairs", "unknown"] + coefficients
        )
        let word = try object.required("model")
        func refuse(_ keys: [String]) throws(DocumentError) {
            for key in keys {
                guard let extra = object.optional(key) else { continue }
                throw extra.wrong("does not belong to a contention model of this kind")
            }
        }
        let weight = -1_000.0...1_000.0
        switch try word.string() {
        case "none":
            try refuse(["weights", "pairs", "unknown"] + coefficients)
            self = .none
        case "linear":
            try refuse(["weights", "pairs", "unknown"])
            self = .linear(
                LinearContention(
                    l2Self: try object.required("l2Self").number(in: weight),
                    l2Other: try object.required("l2Other").number(in: weight),
                    dramSelf: try object.required("dramSelf").number(in: weight),
                    dramOther: try object.required("dramOther").number(in: weight),
                    constant: try object.required("constant").number(in: weight)
                )
            )
        case "loss":
            try refuse(["pairs", "unknown"] + coefficients)
            self = .loss(LossContention(weights: try Self.weights(object, in: weight)))
        case "pairs":
            try refuse(["weights"] + coefficients)
            let unknown = try object.optional("unknown")?.number(in: 1...1_000) ?? 1
            self = .pairs(try Self.pairs(object), unknown: unknown)
        case let other: throw word.unknown(other, among: Self.words)
        }
    }

    private static func weights(
        _ object: DocumentObject,
        in range: ClosedRange<Double>
    ) throws(DocumentError) -> [Double] {
        let count = LossContention.featureCount
        let node = try object.required("weights")
        let list = try node.list(limit: count)
        guard list.count == count else { throw node.wrong("must be \(count) numbers") }
        var weights: [Double] = []
        for entry in list { weights.append(try entry.number(in: range)) }
        return weights
    }

    private static func pairs(_ object: DocumentObject) throws(DocumentError) -> [Pair] {
        var pairs: [Pair] = []
        for entry in try object.required("pairs").list(limit: 65_536) {
            let pair = try entry.object(["victim", "other", "slowdown"])
            pairs.append(
                Pair(
                    victim: try pair.required("victim").string(),
                    other: try pair.required("other").string(),
                    slowdown: try pair.required("slowdown").number(in: 1...1_000)
                )
            )
        }
        return pairs
    }

    var json: String {
        switch self {
        case .none: return JSONText.object([("model", "\"none\"")])
        case .linear(let linear):
            return JSONText.object([
                ("model", "\"linear\""),
                ("l2Self", JSONText.number(linear.l2Self)),
                ("l2Other", JSONText.number(linear.l2Other)),
                ("dramSelf", JSONText.number(linear.dramSelf)),
                ("dramOther", JSONText.number(linear.dramOther)),
                ("constant", JSONText.number(linear.constant)),
            ])
        case .loss(let loss):
            let weights = JSONText.list(loss.weights.map(JSONText.number))
            return JSONText.object([("model", "\"loss\""), ("weights", weights)])
        case .pairs(let pairs, let unknown):
            let list = pairs.map { pair in
                JSONText.object([
                    ("victim", JSONText.string(pair.victim)),
                    ("other", JSONText.string(pair.other)),
                    ("slowdown", JSONText.number(pair.slowdown)),
                ])
            }
            return JSONText.object([
                ("model", "\"pairs\""), ("pairs", JSONText.list(list)),
                ("unknown", JSONText.number(unknown)),
            ])
        }
    }
}
