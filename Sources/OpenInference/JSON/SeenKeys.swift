/// Remembers which keys of an object have been met, so that none comes twice.
struct SeenKeys {
    private var bits: UInt32 = 0
    private var names: [String] = []

    /// Notes a key that the decoder knows by number.
    mutating func first(_ number: UInt32, _ name: StaticString) throws(WireError) {
        guard bits >> number & 1 == 0 else { throw Self.twice(name.description) }
        bits |= 1 << number
    }

    /// Notes a key by name. Cost: linear; the decoder bounds how many there are.
    mutating func first(named name: String) throws(WireError) {
        guard !names.contains(name) else { throw Self.twice(name) }
        names.append(name)
    }

    private static func twice(_ name: String) -> WireError {
        WireError(.malformed, "malformed JSON: key '\(name)' comes twice in one object")
    }
}
