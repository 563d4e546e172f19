/// Round numbers for axes.
enum Ticks {
    /// The most ticks that any axis gets.
    static let limit = 40

    /// The smallest of 1, 2, 2.5 and 5 times a power of ten that cuts `span` into at most `count`
    /// pieces.
    static func step(for span: Double, count: Int) -> Double {
        precondition(span > 0 && span.isFinite && count >= 1)
        let raw = span / Double(count)
        // Below the smallest normal number there is nothing to divide.
        guard raw > 1e-290 else { return span }
        let unit = Numeral.power(Numeral.decade(of: raw))
        for factor in [1, 2, 2.5, 5] where factor * unit >= raw * (1 - 1e-9) {
            return factor * unit
        }
        return 10 * unit
    }

    /// The multiples of `step` within both ends.
    static func linear(from lower: Double, to upper: Double, step: Double) -> [Mapping.Tick] {
        let first = (lower / step - 1e-6).rounded(.up)
        let last = (upper / step + 1e-6).rounded(.down)
        guard first <= last, last - first < Double(limit), abs(last) < 1e15 else { return [] }
        let scaling = suffix(for: max(abs(lower), abs(upper)))
        let decimals = decimals(of: step / scaling.divisor)
        return (0...Int(last - first)).map { place in
            let value = (first + Double(place)) * step
            let text = Numeral.fixed(value / scaling.divisor, decimals: decimals)
            return Mapping.Tick(value: value, label: value == 0 ? "0" : text + scaling.suffix)
        }
    }

    /// Powers of ten, and where `count` ticks suffice for that, their doubles and fives.
    static func log(from lower: Double, to upper: Double, count: Int) -> [Mapping.Tick] {
        let first = Numeral.decade(of: lower)
        let last = Numeral.decade(of: upper)
        let decades = max(1, last - first)
        let factors: [Double] = decades * 3 <= count ? [1, 2, 5] : [1]
        let stride = max(1, (decades + count - 1) / max(1, count))
        var ticks: [Mapping.Tick] = []
        for exponent in first...last where (exponent - first) % stride == 0 {
            for factor in factors {
                let value = factor * Numeral.power(exponent)
                guard value >= lower * (1 - 1e-9), value <= upper * (1 + 1e-9) else { continue }
                ticks.append(Mapping.Tick(value: value, label: label(value)))
            }
        }
        return Array(ticks.prefix(limit))
    }

    /// The percentiles that people speak of.
    static func nines(to upper: Double) -> [Mapping.Tick] {
        let known: [(value: Double, label: String)] = [
            (0, "0"), (0.5, "50 %"), (0.9, "90 %"), (0.99, "99 %"), (0.999, "99.9 %"),
            (0.9999, "99.99 %"), (0.99999, "99.999 %"),
        ]
        return known.filter { $0.value <= upper + 1e-9 }
            .map { Mapping.Tick(value: $0.value, label: $0.label) }
    }

    /// The largest of 1, 2 and 5 times a power of ten that is at most `value`.
    static func logFloor(_ value: Double) -> Double {
        let unit = Numeral.power(Numeral.decade(of: value))
        for factor in [5.0, 2] where factor * unit <= value * (1 + 1e-9) { return factor * unit }
        return unit
    }

    /// The smallest of 1, 2 and 5 times a power of ten that is at least `value`.
    static func logCeiling(_ value: Double) -> Double {
        let unit = Numeral.power(Numeral.decade(of: value))
        for factor in [1.0, 2, 5] where factor * unit >= value * (1 - 1e-9) {
            return factor * unit
        }
        return 10 * unit
    }

    private static func label(_ value: Double) -> String {
        let scaling = suffix(for: value)
        return Numeral.short(value / scaling.divisor) + scaling.suffix
    }

    /// From a hundred thousand on, thousands get a letter instead of zeros; what has no letter
    /// gets a power of ten.
    private static func suffix(for size: Double) -> (divisor: Double, suffix: String) {
        switch size {
        case 1e13..., ..<1e-3:
            guard size > 0 else { return (1, "") }
            let exponent = Numeral.decade(of: size)
            return (Numeral.power(exponent), "e\(exponent)")
        case 1e9...: return (1e9, "G")
        case 1e6...: return (1e6, "M")
        case 1e5...: return (1e3, "k")
        default: return (1, "")
        }
    }

    private static func decimals(of step: Double) -> Int {
        guard step > 0 else { return 0 }
        let exponent = Numeral.decade(of: step)
        let isQuarter = abs(step / Numeral.power(exponent) - 2.5) < 1e-6
        return min(9, max(0, (isQuarter ? 1 : 0) - exponent))
    }
}
