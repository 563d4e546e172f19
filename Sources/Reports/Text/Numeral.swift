/// Numbers as text for people: the same on every machine, in every locale.
public enum Numeral {
    /// What stands for a number that there isn't.
    public static let missing = "–"

    /// The number with exactly `decimals` digits behind the point, thousands apart by commas.
    ///
    /// Not-a-number gives `missing`; beyond 1e15 the shortest exact form is taken.
    public static func fixed(_ value: Double, decimals: Int) -> String {
        guard value.isFinite, abs(value) < 1e15 else { return special(value) }
        let parts = DecimalText.fixed(abs(value), places: decimals).split(separator: ".")
        let isZero = parts.allSatisfy { $0.allSatisfy { $0 == "0" } }
        let sign = value < 0 && !isZero ? "\u{2212}" : ""
        return sign + grouped(parts[0]) + parts.dropFirst().map { ".\($0)" }.joined()
    }

    /// The number with three digits that matter (or `digits`), zeros at the end left out.
    ///
    /// What is smaller than a ten-thousandth, or at least 1e12, is written with an exponent.
    public static func short(_ value: Double, digits: Int = 3) -> String {
        precondition((1...9).contains(digits))
        guard value.isFinite else { return special(value) }
        let size = abs(value)
        if size == 0 { return "0" }
        let exponent = decade(of: size)
        guard exponent >= -4, exponent < 12 else {
            let scaled = value / power(exponent)
            return trimmed(fixed(scaled, decimals: digits - 1)) + "e\(exponent)"
        }
        let decimals = min(9, max(0, digits - 1 - exponent))
        return trimmed(fixed(value, decimals: decimals))
    }

    /// A coordinate of a drawing: a hundredth of a pixel is finer than any eye.
    static func coordinate(_ value: Double) -> String {
        guard abs(value) < 1e9 else { return "0" }
        return trimmed(DecimalText.fixed(value, places: 2))
    }

    // MARK: Powers of ten

    /// The largest power of ten that is not above `size`, as its exponent; `size` > 0.
    static func decade(of size: Double) -> Int {
        precondition(size > 0 && size.isFinite)
        var exponent = Int(Logarithm.ten(size).rounded(.down))
        // The logarithm is rounded, so the ends of a decade are checked by multiplication.
        while power(exponent) > size { exponent -= 1 }
        while power(exponent + 1) <= size { exponent += 1 }
        return exponent
    }

    /// Ten to the power of `exponent`.
    static func power(_ exponent: Int) -> Double {
        var result = 1.0
        var left = abs(exponent)
        var factor = 10.0
        while left > 0 {
            if left % 2 == 1 { result *= factor }
            factor *= factor
            left /= 2
        }
        return exponent < 0 ? 1 / result : result
    }

    // MARK: Digits

    private static func special(_ value: Double) -> String {
        if value.isNaN { return missing }
        if value.isInfinite { return value < 0 ? "\u{2212}∞" : "∞" }
        return String(value)
    }

    private static func grouped(_ digits: Substring) -> String {
        var text = ""
        for (place, digit) in digits.enumerated() {
            if place > 0, (digits.count - place) % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return text
    }

    private static func trimmed(_ text: String) -> String {
        guard text.contains(".") else { return text }
        var text = text
        while text.last == "0" { text.removeLast() }
        if text.last == "." { text.removeLast() }
        return text
    }
}

/// Logarithms by arithmetic alone, since C libraries round theirs differently, and then two
/// machines would draw two files from one result.
enum Logarithm {
    /// The natural logarithm of a number above 0, exact to about 1e-15 of its value.
    static func natural(_ value: Double) -> Double {
        precondition(value > 0 && value.isFinite)
        var exponent = Double(value.exponent)
        var part = value.significand
        // Within 0.70...1.42, where the series below is short.
        if part > 1.414_213_562_373_095 {
            part /= 2
            exponent += 1
        }
        // ln(part) = 2 artanh(z); |z| <= 0.172, so 12 terms leave less than 1e-19.
        let z = (part - 1) / (part + 1)
        let square = z * z
        var sum = 0.0
        for term in stride(from: 23.0, through: 1, by: -2) { sum = sum * square + 1 / term }
        return exponent * 0.693_147_180_559_945_309 + 2 * z * sum
    }

    /// The logarithm to base ten of a number above 0.
    static func ten(_ value: Double) -> Double { natural(value) / 2.302_585_092_994_045_684 }
}
