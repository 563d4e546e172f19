import ServingDomain
public import Workloads

/// The words of the command line, turned into a load.
public struct LoadWords: Hashable, Sendable {
    /// `--rate`: requests per second and model.
    public var rate: Double?
    /// `--concurrency`: clients per model.
    public var concurrency: Int?
    /// `--arrivals`: `poisson`, `uniform`, `bursty` or `trace`.
    public var arrivals: String?
    /// `--priority`.
    public var priority: UInt64
    /// `--timeout-ms`.
    public var timeoutMs: Double?
    /// `--slo-ms`.
    public var objectiveMs: Double?
    /// The text behind `--trace`.
    public var trace: Trace?

    /// Creates the words; all may be left out.
    public init(
        rate: Double? = nil,
        concurrency: Int? = nil,
        arrivals: String? = nil,
        priority: UInt64 = 0,
        timeoutMs: Double? = nil,
        objectiveMs: Double? = nil,
        trace: Trace? = nil
    ) {
        self.rate = rate
        self.concurrency = concurrency
        self.arrivals = arrivals
        self.priority = priority
        self.timeoutMs = timeoutMs
        self.objectiveMs = objectiveMs
        self.trace = trace
    }

    /// The load of a model given as `NAME[@VERSION][:KEY=VALUE,...]`.
    ///
    /// Keys are `rate`, `concurrency`, `arrivals`, `priority`, `timeout-ms` and `slo-ms`; what is
    /// not given comes from the words of the whole load. Without rate, concurrency and trace it
    /// is one client that sends as soon as it has an answer.
    public func model(_ text: String) throws(LoadError) -> ModelLoad {
        let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
        let names = (parts.first ?? "").split(separator: "@", maxSplits: 1).map(String.init)
        guard let name = names.first, !name.isEmpty else {
            throw LoadError("model '\(text)' has no name; write NAME[@VERSION][:KEY=VALUE,...]")
        }
        var version: Int64?
        if names.count == 2 {
            guard let number = Int64(names[1]), number >= 0 else {
                throw LoadError("model '\(name)': version '\(names[1])' is no whole number")
            }
            version = number
        }
        var words = self
        if parts.count == 2 {
            for pair in parts[1].split(separator: ",") { try words.take(pair, of: name) }
        }
        return ModelLoad(
            name: name,
            version: version,
            process: try words.process(of: name),
            priority: words.priority,
            timeout: try Self.span(words.timeoutMs, name: "timeout-ms"),
            objective: try Self.span(words.objectiveMs, name: "slo-ms")
        )
    }

    /// An input's shape given as `NAME:DIM,DIM,...`, the batch dimension included.
    public static func shape(_ text: String) throws(LoadError) -> (name: String, dims: [Int64]) {
        // The last colon parts them: names of tensors may hold colons, such as `input:0`.
        guard let colon = text.lastIndex(of: ":"), colon > text.startIndex else {
            throw LoadError("shape '\(text)' is not of the form NAME:DIM,DIM,...")
        }
        var dims: [Int64] = []
        let words = text[text.index(after: colon)...].split { $0 == "," || $0 == "x" }
        for word in words {
            guard let dim = Int64(word), dim >= 0, dim <= 1 << 30 else {
                throw LoadError("shape '\(text)': '\(word)' is no size within 0...2^30")
            }
            dims.append(dim)
        }
        return (String(text[..<colon]), dims)
    }

    private mutating func take(_ pair: Substring, of model: String) throws(LoadError) {
        let halves = pair.split(separator: "=", maxSplits: 1)
        let value = halves.count == 2 ? String(halves[1]) : ""
        func number<Value: LosslessStringConvertible>(_: Value.Type) throws(LoadError) -> Value {
            guard let number = Value(value) else {
                throw LoadError("model '\(model)': '\(pair)' needs a number behind '='")
            }
            return number
        }
        switch halves.first.map(String.init) {
        case "rate": (rate, concurrency) = (try number(Double.self), nil)
        case "concurrency": (rate, concurrency) = (nil, try number(Int.self))
        case "arrivals": arrivals = value
        case "priority": priority = try number(UInt64.self)
        case "timeout-ms": timeoutMs = try number(Double.self)
        case "slo-ms": objectiveMs = try number(Double.self)
        default:
            throw LoadError(
                "model '\(model)': unknown key in '\(pair)'; known are rate, concurrency,"
                    + " arrivals, priority, timeout-ms and slo-ms"
            )
        }
    }

    private func process(of model: String) throws(LoadError) -> ArrivalProcess {
        let kind = arrivals ?? (trace != nil ? "trace" : rate != nil ? "poisson" : "closed")
        guard rate == nil || concurrency == nil else {
            throw LoadError("model '\(model)': give either a rate or a concurrency, not both")
        }
        if kind == "trace" {
            guard let trace else { throw LoadError("arrivals 'trace' need --trace FILE") }
            let times = trace.times(of: trace.models.isEmpty ? nil : model)
            guard !times.isEmpty else {
                throw LoadError("the trace has no arrivals for model '\(model)'")
            }
            return .trace(times)
        }
        if kind == "closed" { return .closed(concurrency: concurrency ?? 1) }
        guard let rate else { throw LoadError("arrivals '\(kind)' need a rate: add --rate") }
        switch kind {
        case "poisson": return .poisson(rate: rate)
        case "uniform": return .uniform(rate: rate)
        case "bursty": return .bursty(.standard(rate: rate))
        default:
            throw LoadError("unknown arrivals '\(kind)'; known: poisson, uniform, bursty, trace")
        }
    }

    private static func span(_ ms: Double?, name: String) throws(LoadError) -> TimeSpan? {
        guard let ms else { return nil }
        guard ms > 0, ms <= 1e9 else {
            throw LoadError("\(name) \(ms) is outside 0 (excluded) to 1e9")
        }
        return .milliseconds(rounding: ms)
    }
}
