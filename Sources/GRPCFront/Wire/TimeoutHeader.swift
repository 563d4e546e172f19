import ServingDomain

/// The header `grpc-timeout`: at most eight digits and a unit letter.
enum TimeoutHeader {
    /// Reads a value such as `200m`; nil when it isn't one.
    ///
    /// Cost: no allocation.
    static func parse(_ text: String) -> TimeSpan? {
        var amount: Int64 = 0
        var digits = 0
        var unit: UInt8 = 0
        for byte in text.utf8 {
            guard unit == 0 else { return nil }
            if byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") {
                digits += 1
                guard digits <= 8 else { return nil }
                amount = amount * 10 + Int64(byte - UInt8(ascii: "0"))
            } else {
                unit = byte
            }
        }
        guard digits > 0, let nanoseconds = nanoseconds(per: unit) else { return nil }
        return TimeSpan(nanoseconds: nanoseconds) * amount
    }

    private static func nanoseconds(per unit: UInt8) -> Int64? {
        switch unit {
        case UInt8(ascii: "n"): 1
        case UInt8(ascii: "u"): 1_000
        case UInt8(ascii: "m"): 1_000_000
        case UInt8(ascii: "S"): 1_000_000_000
        case UInt8(ascii: "M"): 60_000_000_000
        case UInt8(ascii: "H"): 3_600_000_000_000
        default: nil
        }
    }
}
