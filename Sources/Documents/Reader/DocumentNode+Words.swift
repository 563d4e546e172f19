public import ServingDomain

extension DocumentObject {
    /// The number of items in a batch.
    func batch() throws(DocumentError) -> Int32 {
        Int32(try required("batch").integer(in: 1...1_048_576))
    }

    /// A span of time in seconds; nil where the key is left out.
    func seconds(
        _ key: String,
        in range: ClosedRange<Double>
    ) throws(DocumentError) -> TimeSpan? {
        guard let node = optional(key) else { return nil }
        return .milliseconds(rounding: try node.number(in: range) * 1_000)
    }

    /// A span of time in milliseconds; nil where the key is left out.
    func milliseconds(_ key: String) throws(DocumentError) -> TimeSpan? {
        guard let node = optional(key) else { return nil }
        return .milliseconds(rounding: try node.number(in: 0.001...1e9))
    }

    /// A class; nil where the key is left out.
    func priority(_ key: String = "priority") throws(DocumentError) -> PriorityClass? {
        guard let word = optional(key) else { return nil }
        switch try word.string() {
        case "high": return .high
        case "low": return .low
        case let other: throw word.wrong("must be 'high' or 'low', is '\(other)'")
        }
    }
}

extension DocumentNode {
    /// A share in per cent: above 0, at most 100.
    func share() throws(DocumentError) -> Double {
        let share = try number(in: 0...100)
        guard share > 0 else { throw wrong("must be more than 0 %") }
        return share
    }

    /// A name: not empty, at most 256 bytes.
    func name() throws(DocumentError) -> String {
        let text = try string()
        guard !text.isEmpty, text.utf8.count <= 256 else {
            throw wrong("must be a name of 1 to 256 bytes")
        }
        return text
    }

    /// One of `known` words.
    func word(of known: [String]) throws(DocumentError) -> String {
        let word = try string()
        guard known.contains(word) else { throw unknown(word, among: known) }
        return word
    }

    /// A number of any size; infinity and not-a-number are no numbers in our files.
    func anyNumber() throws(DocumentError) -> Double {
        try number(in: -Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude)
    }

    /// A seed: any whole number from 0 to 2^64 - 1.
    func seed() throws(DocumentError) -> UInt64 {
        guard case .number(let text) = value, let seed = UInt64(text) else {
            throw wrong("must be a whole number from 0 to 2^64 - 1")
        }
        return seed
    }

    /// The entries of an object whose keys are free, in the order of the file.
    func entries(
        limit: Int
    ) throws(DocumentError) -> [(key: String, node: DocumentNode)] {
        guard case .object(let entries) = value else { throw wrong("must be an object") }
        guard entries.count <= limit else {
            throw wrong("has \(entries.count) entries; the limit is \(limit)")
        }
        return entries.map { ($0.key, $0.node) }
    }

    /// An error about a word that there isn't.
    func unknown(_ word: String, among known: [String]) -> DocumentError {
        let nearest = NearestWord.to(word, among: known).map { ", the nearest is '\($0)'" } ?? ""
        return wrong("'\(word)' is not known; known are \(known.joined(separator: ", "))\(nearest)")
    }
}

extension PriorityClass {
    /// The word in files.
    public var word: String { self == .high ? "high" : "low" }
}
