import ServingDomain

/// Writes numbers and texts in the journal's form.
///
/// Whole numbers are little-endian base 128, seven bits a byte, the lowest first; signed ones
/// are folded (0, -1, 1, -2 ...) before that. No allocation while the storage has room.
struct JournalBytes {
    /// What has been written.
    var storage: [UInt8] = []

    /// Appends an unsigned number: 1 byte below 128, at most 10.
    mutating func append(_ number: UInt64) {
        var rest = number
        while rest >= 0x80 {
            storage.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        storage.append(UInt8(truncatingIfNeeded: rest))
    }

    /// Appends a signed number.
    mutating func append(_ number: Int64) {
        append(UInt64(bitPattern: (number << 1) ^ (number >> 63)))
    }

    /// Appends a signed number.
    mutating func append(_ number: Int32) { append(Int64(number)) }

    /// Appends one byte.
    mutating func append(byte: UInt8) { storage.append(byte) }

    /// Appends a truth value as one byte.
    mutating func append(_ flag: Bool) { storage.append(flag ? 1 : 0) }

    /// Appends a point in time as its distance from `origin`.
    mutating func append(_ point: Instant, from origin: Instant) {
        append(point.nanoseconds &- origin.nanoseconds)
    }

    /// Appends a text: its length in bytes, then the bytes.
    mutating func append(_ text: String) {
        append(UInt64(text.utf8.count))
        storage.append(contentsOf: text.utf8)
    }

    /// Appends whether there is a value, then the value.
    mutating func append<Value>(
        optional value: Value?,
        _ body: (inout JournalBytes, Value) -> Void
    ) {
        append(value != nil)
        if let value { body(&self, value) }
    }

    /// Appends a count, then the elements.
    mutating func append<Element>(
        all elements: [Element],
        _ body: (inout JournalBytes, Element) -> Void
    ) {
        append(UInt64(elements.count))
        for element in elements { body(&self, element) }
    }
}

/// Reads numbers and texts in the journal's form, from bytes that nobody vouches for.
struct JournalCursor {
    private let bytes: ArraySlice<UInt8>
    /// Where the next byte is.
    private(set) var place: Int

    /// Reads from the beginning of `bytes`.
    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        place = bytes.startIndex
    }

    /// Bytes that have not been read.
    var remaining: Int { bytes.endIndex - place }

    /// The next byte.
    mutating func byte() throws(JournalError) -> UInt8 {
        guard place < bytes.endIndex else { throw .truncated }
        defer { place += 1 }
        return bytes[place]
    }

    /// The next `count` bytes.
    mutating func slice(_ count: Int) throws(JournalError) -> ArraySlice<UInt8> {
        guard count >= 0, count <= remaining else { throw .truncated }
        defer { place += count }
        return bytes[place..<place + count]
    }

    /// The next unsigned number.
    mutating func number() throws(JournalError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = try byte()
            guard shift < 63 || byte <= 1 else { throw .damaged("a number is too long") }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
    }

    /// The next signed number.
    mutating func signed() throws(JournalError) -> Int64 {
        let folded = try number()
        return Int64(bitPattern: folded >> 1) ^ -Int64(bitPattern: folded & 1)
    }

    /// The next signed number, if it lies in `range`.
    mutating func small(
        in range: ClosedRange<Int32> = .min ... .max
    ) throws(JournalError) -> Int32 {
        let value = try signed()
        guard let small = Int32(exactly: value), range.contains(small) else {
            throw .damaged("a number lies outside of its range")
        }
        return small
    }

    /// The next truth value.
    mutating func flag() throws(JournalError) -> Bool {
        let byte = try byte()
        guard byte <= 1 else { throw .damaged("a truth value is neither 0 nor 1") }
        return byte == 1
    }

    /// The next point in time, which was written as its distance from `origin`.
    mutating func instant(from origin: Instant) throws(JournalError) -> Instant {
        Instant(nanoseconds: try signed() &+ origin.nanoseconds)
    }

    /// The next text.
    mutating func text() throws(JournalError) -> String {
        let count = try number()
        guard count <= UInt64(remaining) else { throw .truncated }
        let bytes = try slice(Int(count))
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .damaged("a text is not UTF-8")
        }
        return text
    }

    /// The next value of an enumeration.
    mutating func choice<Value: RawRepresentable>(
        of type: Value.Type
    ) throws(JournalError) -> Value where Value.RawValue == UInt8 {
        guard let value = Value(rawValue: try byte()) else {
            throw .damaged("a choice is none that there is")
        }
        return value
    }

    /// The next value, if there is one.
    mutating func optional<Value>(
        _ body: (inout JournalCursor) throws(JournalError) -> Value
    ) throws(JournalError) -> Value? {
        try flag() ? try body(&self) : nil
    }

    /// The next elements.
    mutating func all<Element>(
        _ body: (inout JournalCursor) throws(JournalError) -> Element
    ) throws(JournalError) -> [Element] {
        let count = try number()
        // Every element takes a byte at least, so a lying count can't ask for memory.
        guard count <= UInt64(remaining) else { throw .truncated }
        var elements: [Element] = []
        for _ in 0..<count { elements.append(try body(&self)) }
        return elements
    }
}
