/// Numbers as text, the same on every machine.
public enum DecimalText {
    /// `value` with `places` decimals, rounded half away from zero; `n/a` for what is no number.
    ///
    /// - Precondition: `places` lies within 0...9. Cost: O(digits).
    public static func fixed(_ value: Double, places: Int) -> String {
        precondition((0...9).contains(places))
        guard value.isFinite else { return "n/a" }
        var factor = 1.0
        for _ in 0..<places { factor *= 10 }
        let scaled = (abs(value) * factor).rounded(.toNearestOrAwayFromZero)
        guard scaled < 9e18 else { return value.description }
        let whole = UInt64(scaled)
        let unit = UInt64(factor)
        var text = "\(whole / unit)"
        if places > 0 {
            let rest = "\(whole % unit)"
            text += "." + String(repeating: "0", count: places - rest.count) + rest
        }
        return value < 0 && whole > 0 ? "-" + text : text
    }
}
