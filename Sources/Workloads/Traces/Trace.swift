public import ServingDomain

/// A recorded load: who was asked when.
///
/// Text form: one arrival per line, its time in seconds from the trace's own zero, then, if there
/// are several models, the model's name, apart by a comma, a tab or spaces. Empty lines and lines
/// that begin with `#` are skipped; a first line that is no number counts as a heading.
public struct Trace: Hashable, Sendable {
    /// One arrival.
    public struct Entry: Hashable, Sendable {
        /// From the trace's zero.
        public var time: TimeSpan
        /// The place in `models`; nil where the line names none.
        public var model: Int?

        /// Creates an arrival.
        public init(time: TimeSpan, model: Int?) {
            self.time = time
            self.model = model
        }
    }

    /// The most arrivals in a trace.
    public static let entryLimit = 50_000_000
    /// The most models in a trace.
    public static let modelLimit = 1_024
    /// The latest time in a trace, in seconds: about 31 years.
    public static let timeLimit = 1e9

    /// All arrivals, ascending by time; those at the same time as the text has them.
    public private(set) var entries: [Entry]
    /// The names that the text mentions, in the order of their first mention.
    public private(set) var models: [String]

    /// Reads the text of a trace. Cost: O(n log n) where the lines are out of order, else O(n).
    public init(parsing text: [UInt8]) throws(TraceError) {
        entries = []
        models = []
        var number = 0
        var isOrdered = true
        for line in text.split(separator: 10, omittingEmptySubsequences: false) {
            number += 1
            guard let fields = Self.fields(of: line) else { continue }
            guard let seconds = Double(fields.time) else {
                if entries.isEmpty, number == 1 { continue }
                throw TraceError(line: number, what: "'\(fields.time)' is no number of seconds")
            }
            guard seconds >= 0, seconds <= Self.timeLimit else {
                throw TraceError(line: number, what: "time \(seconds) is outside 0...1e9 seconds")
            }
            guard entries.count < Self.entryLimit else {
                throw TraceError(
                    line: number,
                    what: "more than \(Self.entryLimit) arrivals; cut the trace into pieces"
                )
            }
            let model = try place(of: fields.model, line: number)
            let entry = Entry(time: .milliseconds(rounding: seconds * 1_000), model: model)
            if let last = entries.last, last.time > entry.time { isOrdered = false }
            entries.append(entry)
        }
        if !isOrdered { sort() }
    }

    /// The times of the arrivals that name `model`, or of all (nil).
    public func times(of model: String?) -> [TimeSpan] {
        guard let model else { return entries.map(\.time) }
        guard let place = models.firstIndex(of: model) else { return [] }
        return entries.filter { $0.model == place }.map(\.time)
    }

    /// Time and model of a line; nil for lines that are to be skipped.
    private static func fields(of line: ArraySlice<UInt8>) -> (time: String, model: String?)? {
        let words = line.split { $0 == 32 || $0 == 9 || $0 == 44 || $0 == 13 }
        guard let first = words.first, first.first != 35 else { return nil }
        let model = words.count > 1 ? String(decoding: words[1], as: UTF8.self) : nil
        return (String(decoding: first, as: UTF8.self), model)
    }

    private mutating func place(of name: String?, line: Int) throws(TraceError) -> Int? {
        guard let name else { return nil }
        if let place = models.firstIndex(of: name) { return place }
        guard models.count < Self.modelLimit else {
            throw TraceError(line: line, what: "more than \(Self.modelLimit) models, the limit")
        }
        models.append(name)
        return models.count - 1
    }

    private mutating func sort() {
        let order = entries.indices.sorted {
            (entries[$0].time, $0) < (entries[$1].time, $1)
        }
        entries = order.map { entries[$0] }
    }
}

/// What is wrong with the text of a trace.
public struct TraceError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The line, from 1.
    public var line: Int
    /// What is wrong there.
    public var what: String

    /// Creates an error.
    public init(line: Int, what: String) {
        self.line = line
        self.what = what
    }

    /// One line: where, and what is wrong.
    public var description: String { "trace line \(line): \(what)" }
}
