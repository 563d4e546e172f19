/// The HPACK blocks of a gRPC call (RFC 7541), encoded once.
///
/// Real clients let the server index their headers, so that all but a connection's first request
/// take a byte per header; doing the same keeps the server's share of the work true to life. A
/// connection must keep to one `HeaderBlocks`.
struct HeaderBlocks: Hashable, Sendable {
    /// Carries every header in full and indexes nothing.
    let literal: [UInt8]
    /// Carries every header in full and has the server index it.
    let first: [UInt8]
    /// Refers to what `first` had indexed.
    let later: [UInt8]

    /// The size of the peer's table that `first` needs (RFC 7541, 4.1: 32 bytes more per entry).
    let tableSize: Int

    /// Encodes the headers of calls to `path` at `authority`.
    init(path: String, authority: String) {
        // The number of the name in the static table (RFC 7541, appendix A); 0 = not there.
        let fields: [(index: UInt8, name: String, value: String)] = [
            (4, ":path", path),
            (1, ":authority", authority),
            (31, "content-type", "application/grpc"),
            (0, "te", "trailers"),
            (58, "user-agent", "sluice-load"),
        ]
        // :method POST and :scheme http are in the static table whole.
        let common: [UInt8] = [0x83, 0x86]
        var literal = common
        var first = common
        var later = common
        for (place, field) in fields.enumerated() {
            let value = Self.string(field.value)
            let name = field.index == 0 ? Self.string(field.name) : []
            literal += Self.integer(Int(field.index), prefix: 4, pattern: 0x00) + name + value
            first += Self.integer(Int(field.index), prefix: 6, pattern: 0x40) + name + value
            // The newest entry has number 62, so the first of five ends up as 66.
            later += [0x80 | UInt8(62 + fields.count - 1 - place)]
        }
        self.literal = literal
        self.first = first
        self.later = later
        tableSize = fields.reduce(0) { $0 + 32 + $1.name.utf8.count + $1.value.utf8.count }
    }

    /// RFC 7541, 5.1.
    private static func integer(_ value: Int, prefix: Int, pattern: UInt8) -> [UInt8] {
        let limit = 1 << prefix - 1
        if value < limit { return [pattern | UInt8(value)] }
        var bytes = [pattern | UInt8(limit)]
        var rest = value - limit
        while rest >= 128 {
            bytes.append(UInt8(rest % 128 + 128))
            rest /= 128
        }
        bytes.append(UInt8(rest))
        return bytes
    }

    /// RFC 7541, 5.2, without Huffman coding.
    private static func string(_ text: String) -> [UInt8] {
        integer(text.utf8.count, prefix: 7, pattern: 0x00) + Array(text.utf8)
    }
}
