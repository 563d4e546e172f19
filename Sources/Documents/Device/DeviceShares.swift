public import ServingDomain

/// Per cent in files, whole units inside.
extension DeviceSpec {
    /// The whole number of units that `share` per cent of the device are; nil if they hit none
    /// within 0.01 (design, section 4).
    public func units(ofShare share: Double) -> Int32? {
        let exact = share * Double(units) / 100
        let whole = exact.rounded()
        guard abs(exact - whole) <= 0.01, whole >= 1, whole <= Double(units) else { return nil }
        return Int32(whole)
    }

    /// The per cent that `units` units are, with as few decimals as read back as the same units.
    public func share(of units: Int32) -> Double {
        let exact = 100 * Double(units) / Double(self.units)
        var factor = 1.0
        for _ in 0..<9 {
            let rounded = (exact * factor).rounded() / factor
            // A tenth of what a reader forgives.
            if abs(rounded - exact) * Double(self.units) / 100 <= 0.001 { return rounded }
            factor *= 10
        }
        return exact
    }

    /// What a line says of a share that the device does not have.
    func wrongShare(_ share: Double) -> String {
        "\(JSONText.number(share)) % is not a whole number of the \(units) units of device"
            + " '\(name)'; its shares are \(listedShares)"
    }

    /// The shares that a gpulet of the device may have, in words.
    var listedShares: String {
        let allowed = allowedUnits
        guard allowed.count > 16 else {
            return allowed.map { JSONText.number(share(of: $0)) }.joined(separator: ", ") + " %"
        }
        return "multiples of \(JSONText.number(share(of: grain))) %"
    }
}
