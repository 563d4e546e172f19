public import ServingDomain

/// The journal of a core: what it was made from, and every event that it was told, with the
/// orders as a hash. A fresh core of the same build gives the same orders (`Replay`).
///
/// Layout: the eight bytes `sluicejn`, the version, the header, then records; header and records
/// stand in frames: length, content, and 32 bits of a hash over the content. Numbers are of
/// variable length (`JournalBytes`), times within a record are relative to its own, so a
/// usual record takes 25-50 bytes.
public enum Journal {
    /// The version that this build writes, and the only one that it reads.
    public static let version: UInt64 = 7
    /// The first bytes of every journal.
    static let magic = Array("sluicejn".utf8)
    /// The largest frame that is read: larger than any plan, smaller than memory.
    static let frameLimit: UInt64 = 1 << 28

    // MARK: Writing

    /// Appends the beginning of a journal to `bytes`.
    public static func write(_ header: JournalHeader, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: magic)
        var prefix = JournalBytes()
        prefix.append(version)
        bytes.append(contentsOf: prefix.storage)
        var content = JournalBytes()
        content.append(header.build)
        content.append(header.configuration)
        frame(&bytes, limit: .max) { $0.storage.append(contentsOf: content.storage) }
    }

    /// Appends one event with the hash of its orders to `bytes`.
    ///
    /// No allocation as long as `bytes` has the capacity, for the events that requests and
    /// batches cause; those take at most 160 bytes.
    /// - Parameter limit: The most bytes that `bytes` may hold afterwards.
    /// - Returns: False, and `bytes` as it was, when the record does not fit.
    @discardableResult
    public static func write(
        sequence: UInt64,
        now: Instant,
        event: Event,
        orders: UInt64,
        to bytes: inout [UInt8],
        limit: Int = .max
    ) -> Bool {
        frame(&bytes, limit: limit) { content in
            content.append(byte: 1)
            content.append(sequence)
            content.append(now.nanoseconds)
            for shift in stride(from: UInt64(0), to: 64, by: 8) {
                content.append(byte: UInt8(truncatingIfNeeded: orders >> shift))
            }
            content.append(event, at: now)
        }
    }

    /// Appends the mark that ends a journal.
    public static func write(_ end: JournalEnd, to bytes: inout [UInt8]) {
        frame(&bytes, limit: .max) { content in
            content.append(byte: 2)
            content.append(byte: end.rawValue)
        }
    }

    /// Appends a frame whose content `body` appends. The length stands in four bytes, so that the
    /// content need not be moved once it is there.
    @discardableResult
    private static func frame(
        _ bytes: inout [UInt8],
        limit: Int,
        _ body: (inout JournalBytes) -> Void
    ) -> Bool {
        let begin = bytes.count
        var content = JournalBytes()
        // The storage changes hands and is never shared, so nothing is copied.
        swap(&content.storage, &bytes)
        for _ in 0..<4 { content.append(byte: 0) }
        body(&content)
        let length = content.storage.count - begin - 4
        let check = checksum(content.storage[(begin + 4)...])
        for place in 0..<4 {
            let shift = UInt64(place * 8)
            content.storage[begin + place] = UInt8(truncatingIfNeeded: UInt64(length) >> shift)
        }
        for shift in stride(from: UInt32(0), to: 32, by: 8) {
            content.append(byte: UInt8(truncatingIfNeeded: check >> shift))
        }
        let fits = content.storage.count <= limit
        if !fits { content.storage.removeLast(content.storage.count - begin) }
        swap(&content.storage, &bytes)
        return fits
    }

    static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        var state: UInt32 = 0x811C_9DC5
        for byte in bytes { state = (state ^ UInt32(byte)) &* 0x0100_0193 }
        return state
    }

    // MARK: Reading

    /// Reads the beginning of a journal.
    ///
    /// - Returns: The header, and where the first record begins.
    /// - Throws: `JournalError`; `truncated` also when more bytes would make it whole.
    public static func header(
        of bytes: ArraySlice<UInt8>
    ) throws(JournalError) -> (header: JournalHeader, next: Int) {
        guard bytes.prefix(magic.count).elementsEqual(magic.prefix(bytes.count)) else {
            throw .notAJournal
        }
        var cursor = JournalCursor(bytes.dropFirst(magic.count))
        guard bytes.count >= magic.count else { throw .truncated }
        let version = try cursor.number()
        guard version == Self.version else { throw .version(version) }
        let (content, next) = try frame(bytes[cursor.place...])
        var inner = JournalCursor(content)
        let build = try inner.text()
        let configuration = try inner.configuration()
        guard inner.remaining == 0 else { throw .damaged("the header is too long") }
        return (JournalHeader(build: build, configuration: configuration), next)
    }

    /// Reads the record at the beginning of `bytes`.
    ///
    /// - Returns: The entry, and where the next one begins.
    /// - Throws: `JournalError`; `truncated` also when more bytes would make it whole.
    public static func entry(
        of bytes: ArraySlice<UInt8>
    ) throws(JournalError) -> (entry: JournalEntry, next: Int) {
        let (content, next) = try frame(bytes)
        var cursor = JournalCursor(content)
        let entry: JournalEntry
        switch try cursor.byte() {
        case 1:
            let sequence = try cursor.number()
            let now = Instant(nanoseconds: try cursor.signed())
            var orders: UInt64 = 0
            for shift in stride(from: UInt64(0), to: 64, by: 8) {
                orders |= UInt64(try cursor.byte()) << shift
            }
            let event = try cursor.event(at: now)
            entry = .event(
                JournalRecord(sequence: sequence, now: now, event: event, orders: orders)
            )
        case 2: entry = .end(try cursor.choice(of: JournalEnd.self))
        default: throw .damaged("a record is of no known kind")
        }
        guard cursor.remaining == 0 else { throw .damaged("a record is too long") }
        return (entry, next)
    }

    private static func frame(
        _ bytes: ArraySlice<UInt8>
    ) throws(JournalError) -> (content: ArraySlice<UInt8>, next: Int) {
        var cursor = JournalCursor(bytes)
        var length: UInt64 = 0
        for byte in try cursor.slice(4).reversed() { length = length << 8 | UInt64(byte) }
        guard length <= frameLimit else { throw .damaged("a record claims \(length) bytes") }
        let content = try cursor.slice(Int(length))
        var check: UInt32 = 0
        for byte in try cursor.slice(4).reversed() { check = check << 8 | UInt32(byte) }
        guard check == checksum(content) else { throw .damaged("a checksum does not match") }
        return (content, cursor.place)
    }
}

/// What a journal begins with.
public struct JournalHeader: Hashable, Sendable {
    /// The build that wrote it; another build may decide otherwise.
    public var build: String
    /// What the core was made from.
    public var configuration: CoreConfiguration

    /// Creates a header.
    public init(build: String, configuration: CoreConfiguration) {
        self.build = build
        self.configuration = configuration
    }
}

/// One event of a journal.
public struct JournalRecord: Hashable, Sendable {
    /// The number that the driver gave it, from 1, without gaps.
    public var sequence: UInt64
    /// The time that the core was told.
    public var now: Instant
    /// What happened.
    public var event: Event
    /// `OrderHash` of what the core ordered.
    public var orders: UInt64

    /// Creates a record.
    public init(sequence: UInt64, now: Instant, event: Event, orders: UInt64) {
        self.sequence = sequence
        self.now = now
        self.event = event
        self.orders = orders
    }
}

/// What follows the header.
public enum JournalEntry: Hashable, Sendable {
    /// An event.
    case event(JournalRecord)
    /// The end, and why it is one.
    case end(JournalEnd)
}

/// Why a journal ends.
public enum JournalEnd: UInt8, Hashable, Sendable, CaseIterable {
    /// The server ended.
    case finished
    /// Events came faster than the file takes them.
    case ringFull
    /// The file could not be written.
    case writeFailed
}

/// Why a journal can't be read.
public enum JournalError: Error, Hashable, Sendable {
    /// The bytes end within a record.
    case truncated
    /// The bytes are something else.
    case notAJournal
    /// Another version of the format; this build reads `Journal.version`.
    case version(UInt64)
    /// The bytes are not what was written.
    case damaged(String)

    /// One line: what happened, the limit, the next step.
    public var message: String {
        switch self {
        case .truncated:
            "the journal ends within a record; what came before it can be replayed"
        case .notAJournal:
            "this is not a journal: it does not begin with 'sluicejn'; name a file that "
                + "`serve --journal` wrote"
        case .version(let version):
            "the journal is of version \(version), this build reads version \(Journal.version); "
                + "replay it with the build that wrote it"
        case .damaged(let what):
            "the journal is damaged: \(what); what came before can be replayed"
        }
    }
}
