/// A number as JSON writes it: sign, digits, power of ten, and where its text lies.
///
/// Conversion is exact. The quick ways cover what clients send; the rest goes through the
/// standard library's own conversion.
struct DecimalNumber {
    /// Where its text lies.
    private(set) var range: Range<Int>
    private var isNegative = false
    /// The first digits, as many as 64 bits hold.
    private var digits: UInt64 = 0
    /// The value is `digits` x 10^`exponent`, but for digits left out.
    private var exponent = 0
    /// More digits follow than `digits` holds.
    private var isCut = false
    /// Neither point nor exponent.
    private var isWhole = true

    /// Reads the number that begins at `start`; nil when there is none.
    init?(in bytes: UnsafeRawBufferPointer, at start: Int) {
        range = start..<start
        var at = start
        if at < bytes.count, bytes[at] == UInt8(ascii: "-") {
            isNegative = true
            at += 1
        }
        guard let first = Self.digit(bytes, at) else { return nil }
        if first == 0 {
            at += 1
            if Self.digit(bytes, at) != nil { return nil }
        } else {
            while let digit = Self.digit(bytes, at) {
                take(digit, fraction: false)
                at += 1
            }
        }
        if at < bytes.count, bytes[at] == UInt8(ascii: ".") {
            isWhole = false
            at += 1
            guard Self.digit(bytes, at) != nil else { return nil }
            while let digit = Self.digit(bytes, at) {
                take(digit, fraction: true)
                at += 1
            }
        }
        if at < bytes.count, bytes[at] | 0x20 == UInt8(ascii: "e") {
            isWhole = false
            at += 1
            guard readExponent(bytes, &at) else { return nil }
        }
        range = start..<at
    }

    /// The value if it is whole and fits.
    var int64: Int64? {
        guard isWhole, !isCut else { return nil }
        if !isNegative { return Int64(exactly: digits) }
        return digits == 1 << 63 ? .min : Int64(exactly: digits).map { -$0 }
    }

    /// The value if it is whole, not negative, and fits.
    var uint64: UInt64? {
        guard isWhole, !isCut, !isNegative || digits == 0 else { return nil }
        return digits
    }

    /// The nearest `Double`; infinite beyond its range.
    func double(in bytes: UnsafeRawBufferPointer) -> Double {
        // Both factors are exact, so one rounding gives the nearest value (Clinger 1990).
        if !isCut, digits <= 1 << 53, (-22...22).contains(exponent) {
            let scaled = scaledDigits
            return isNegative ? -scaled : scaled
        }
        return Double(text(in: bytes)) ?? .infinity
    }

    /// The nearest `Float`; infinite beyond its range.
    func float(in bytes: UnsafeRawBufferPointer) -> Float {
        if (-22...22).contains(exponent) {
            // Off by three units in the last place of a Double at most. Unless it lies that near
            // to the middle between two neighbouring Floats, rounding it gives the nearest one.
            let scaled = scaledDigits
            let tail = Int64(scaled.bitPattern & 0x1FFF_FFFF)
            let isNormal = scaled >= 1.2e-38 || digits == 0
            if isNormal, abs(tail - 0x1000_0000) > 8 {
                return Float(isNegative ? -scaled : scaled)
            }
        }
        return Float(text(in: bytes)) ?? .infinity
    }

    // MARK: Inside

    private var scaledDigits: Double {
        exponent >= 0
            ? Double(digits) * Self.powers[exponent] : Double(digits) / Self.powers[-exponent]
    }

    private func text(in bytes: UnsafeRawBufferPointer) -> String {
        String(decoding: bytes[range], as: UTF8.self)
    }

    private mutating func take(_ digit: UInt8, fraction: Bool) {
        // 18_446_744_073_709_551_615 is the largest number of 64 bits.
        let last: UInt64 = 1_844_674_407_370_955_161
        if !isCut, digits < last || (digits == last && digit <= 5) {
            digits = digits * 10 + UInt64(digit)
            if fraction { exponent -= 1 }
        } else {
            isCut = true
            if !fraction { exponent += 1 }
        }
    }

    private mutating func readExponent(
        _ bytes: UnsafeRawBufferPointer,
        _ at: inout Int
    ) -> Bool {
        var isDown = false
        if at < bytes.count, bytes[at] == UInt8(ascii: "-") || bytes[at] == UInt8(ascii: "+") {
            isDown = bytes[at] == UInt8(ascii: "-")
            at += 1
        }
        guard Self.digit(bytes, at) != nil else { return false }
        var value = 0
        while let digit = Self.digit(bytes, at) {
            value = min(value * 10 + Int(digit), 1_000_000)
            at += 1
        }
        exponent += isDown ? -value : value
        return true
    }

    @inline(__always)
    private static func digit(_ bytes: UnsafeRawBufferPointer, _ at: Int) -> UInt8? {
        guard at < bytes.count else { return nil }
        let value = bytes[at] &- UInt8(ascii: "0")
        return value <= 9 ? value : nil
    }

    private static let powers: [Double] = [
        1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
        1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    ]
}
