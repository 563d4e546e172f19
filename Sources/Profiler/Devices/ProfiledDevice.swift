public import ServerRuntime
public import ServingDomain

/// A device to measure on, with the numbers that its engine calls the units by.
public struct ProfiledDevice: Hashable, Sendable {
    /// The device.
    public let spec: DeviceSpec
    /// Its units by number, such as CPU cores or groups of SMs.
    public let units: [Int32]

    /// Creates a device.
    public init(_ spec: DeviceSpec, units: [Int32]) {
        precondition(Int(spec.units) == units.count)
        self.spec = spec
        self.units = units
    }

    /// A CPU socket of these cores.
    public static func cpu(_ cores: [Int32]) -> ProfiledDevice {
        let count = Int32(cores.count)
        let spec = DeviceSpec(id: DeviceID(0), name: "cpu0", kind: "cpu", units: count)
        return ProfiledDevice(spec, units: cores)
    }

    /// Shares to measure, in units: doublings of the smallest, and all.
    public var sizes: [Int32] {
        let allowed = spec.allowedUnits
        var sizes: [Int32] = []
        var next = allowed.first ?? spec.units
        while next < spec.units {
            sizes.append(next)
            next *= 2
        }
        return sizes.filter(allowed.contains) + [spec.units]
    }

    /// One instance alone on the first units.
    public func placement(_ count: Int32) -> Placement { placement(from: 0, count) }

    /// One instance alone on some units in a row.
    func placement(from first: Int32, _ count: Int32) -> Placement {
        let part = Array(units[Int(first)..<Int(first + count)])
        return Placement(device: spec, units: part, own: part)
    }

    /// Places side by side; all from the first unit on where they are more than there are.
    func placements(_ counts: [Int32]) -> [Placement] {
        guard counts.reduce(0, +) <= spec.units else { return counts.map { placement($0) } }
        var first: Int32 = 0
        return counts.map { count in
            defer { first += count }
            return placement(from: first, count)
        }
    }
}
