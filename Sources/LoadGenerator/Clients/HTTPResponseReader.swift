/// Reads the answers of an HTTP/1.1 connection, one at a time, without building header lists.
///
/// It needs the status, the length and two or three headers; that costs a microsecond, a general
/// decoder ten times as much, on cores that the load shares with the server.
struct HTTPResponseReader {
    /// An answer that is no HTTP.
    struct Malformed: Error {
        var reason: String
    }

    /// The most bytes of a status line with headers.
    static let headLimit = 64 << 10
    /// The most bytes of a body that is kept whole.
    static let bodyLimit = 16 << 20
    /// How much of an error's body is kept.
    static let noteLimit = 1_024

    private enum Phase {
        case head
        case body(left: Int)
        case untilClose
        case chunkSize
        case chunk(left: Int)
        case chunkEnd
        case trailers
        case complete
    }

    private var phase = Phase.head
    /// The unfinished line or head of the last read.
    private var pending: [UInt8] = []
    private let keepsBody: Bool

    /// The status.
    private(set) var status = 0
    /// Whether `sluice-late` is there.
    private(set) var isLate = false
    /// Whether the server closes the connection behind this answer.
    private(set) var closes = false
    /// The body, where it is kept.
    private(set) var body: [UInt8] = []

    /// Creates a reader for one answer.
    init(keepsBody: Bool) { self.keepsBody = keepsBody }

    /// Whether the whole answer has been read.
    var isComplete: Bool { if case .complete = phase { true } else { false } }

    /// Reads on; returns how many bytes belong to this answer.
    mutating func read(_ bytes: UnsafeRawBufferPointer) throws(Malformed) -> Int {
        var offset = 0
        while offset < bytes.count, !isComplete {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
            switch phase {
            case .head: offset += try readHead(rest)
            case .body(let left): offset += skip(rest, left) { .body(left: $0) }
            case .chunk(let left): offset += skip(rest, left) { .chunk(left: $0) }
            case .untilClose:
                keep(rest)
                offset = bytes.count
            case .chunkSize, .chunkEnd, .trailers: offset += try readLine(rest)
            case .complete: break
            }
        }
        return offset
    }

    /// The server closed the connection: the end of some answers, too early for others.
    mutating func end() -> Bool {
        if case .untilClose = phase { phase = .complete }
        return isComplete
    }

    // MARK: Body

    private mutating func skip(
        _ bytes: UnsafeRawBufferPointer,
        _ left: Int,
        next: (Int) -> Phase
    ) -> Int {
        let count = min(left, bytes.count)
        keep(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
        if count < left {
            phase = next(left - count)
        } else if case .chunk = phase {
            phase = .chunkEnd
        } else {
            phase = .complete
        }
        return count
    }

    private mutating func keep(_ bytes: UnsafeRawBufferPointer) {
        let limit = keepsBody ? Self.bodyLimit : status == 200 ? 0 : Self.noteLimit
        guard body.count < limit else { return }
        body.append(contentsOf: bytes.prefix(limit - body.count))
    }

    private mutating func readLine(_ bytes: UnsafeRawBufferPointer) throws(Malformed) -> Int {
        let end = bytes.firstIndex(of: 10)
        let count = end.map { $0 + 1 } ?? bytes.count
        pending.append(contentsOf: bytes[..<count])
        guard pending.count <= Self.headLimit else { throw Malformed(reason: "endless line") }
        guard end != nil else { return count }
        var line = pending[...]
        while line.last == 10 || line.last == 13 { line.removeLast() }
        switch phase {
        case .chunkSize:
            let digits = line.prefix { $0 != 59 && $0 != 32 }
            guard digits.count <= 15,
                let size = Int(String(decoding: digits, as: UTF8.self), radix: 16), size >= 0
            else { throw Malformed(reason: "chunk of no size") }
            phase = size == 0 ? .trailers : .chunk(left: size)
        case .chunkEnd:
            guard line.isEmpty else { throw Malformed(reason: "chunk longer than it says") }
            phase = .chunkSize
        default:
            if line.isEmpty { phase = .complete }
        }
        pending.removeAll(keepingCapacity: true)
        return count
    }

    // MARK: Head

    private mutating func readHead(_ bytes: UnsafeRawBufferPointer) throws(Malformed) -> Int {
        if pending.isEmpty, let end = Self.headEnd(bytes) {
            try parseHead(UnsafeRawBufferPointer(rebasing: bytes[..<end]))
            return end
        }
        // Rare: the head came in pieces.
        for (place, byte) in bytes.enumerated() {
            pending.append(byte)
            guard byte == 10, pending.suffix(4) == [13, 10, 13, 10] else { continue }
            let head = pending
            pending.removeAll(keepingCapacity: true)
            do {
                try head.withUnsafeBytes { try parseHead($0) }
            } catch {
                throw error as? Malformed ?? Malformed(reason: "\(error)")
            }
            return place + 1
        }
        guard pending.count <= Self.headLimit else { throw Malformed(reason: "endless head") }
        return bytes.count
    }

    /// Where the empty line ends; nil if it is not there yet.
    private static func headEnd(_ bytes: UnsafeRawBufferPointer) -> Int? {
        var place = 3
        while place < bytes.count {
            // Only the fourth byte of the mark is looked at until it may be one.
            if bytes[place] == 10, bytes[place - 1] == 13, bytes[place - 2] == 10,
                bytes[place - 3] == 13
            {
                return place + 1
            }
            place += 1
        }
        return nil
    }

    private mutating func parseHead(_ head: UnsafeRawBufferPointer) throws(Malformed) {
        // "HTTP/1.1 200"
        guard head.count >= 14, head[0] == 72, head[5] == 49, head[8] == 32 else {
            throw Malformed(reason: "the answer does not begin like HTTP/1")
        }
        status = 0
        for place in 9..<12 {
            guard (48...57).contains(head[place]) else {
                throw Malformed(reason: "the answer's status is no number")
            }
            status = status * 10 + Int(head[place] - 48)
        }
        closes = head[7] == 48
        var length: Int?
        var isChunked = false
        var begin = (head.firstIndex(of: 10) ?? 0) + 1
        while begin < head.count, head[begin] != 13 {
            var colon = begin
            while colon < head.count, head[colon] != 58, head[colon] != 10 { colon += 1 }
            var end = colon
            while end < head.count, head[end] != 10 { end += 1 }
            let name = UnsafeRawBufferPointer(rebasing: head[begin..<colon])
            var value = head[min(colon + 1, end)..<end]
            while value.first == 32 || value.first == 9 { value = value.dropFirst() }
            while value.last == 13 || value.last == 32 { value = value.dropLast() }
            if name.count == 14, Self.matches(name, "content-length") {
                length = Int(String(decoding: value, as: UTF8.self))
                guard let length, length >= 0 else { throw Malformed(reason: "length unreadable") }
            } else if name.count == 11, Self.matches(name, "sluice-late") {
                isLate = true
            } else if name.count == 17, Self.matches(name, "transfer-encoding") {
                isChunked = String(decoding: value, as: UTF8.self).lowercased().contains("chunked")
            } else if name.count == 10, Self.matches(name, "connection") {
                let word = String(decoding: value, as: UTF8.self).lowercased()
                closes = word == "close" || (closes && word != "keep-alive")
            }
            begin = end + 1
        }
        settle(length: length, isChunked: isChunked)
    }

    private mutating func settle(length: Int?, isChunked: Bool) {
        if (100..<200).contains(status) {
            phase = .head
        } else if status == 204 || status == 304 || (!isChunked && length == 0) {
            phase = .complete
        } else if isChunked {
            phase = .chunkSize
        } else if let length {
            phase = .body(left: length)
        } else {
            phase = .untilClose
            closes = true
        }
    }

    private static func matches(_ name: UnsafeRawBufferPointer, _ word: StaticString) -> Bool {
        guard name.count == word.utf8CodeUnitCount else { return false }
        for place in 0..<name.count where name[place] | 0x20 != word.utf8Start[place] {
            return false
        }
        return true
    }
}
