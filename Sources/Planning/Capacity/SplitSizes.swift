public import ServingDomain

/// The sizes that gpu-lets considers on a device, in its units.
public struct SplitSizes: Hashable, Sendable {
    /// Ascending; the whole device is the last.
    public let units: [Int32]
    /// All of the device.
    public let whole: Int32

    /// The sizes of the papers, in per cent of a device.
    public static let percent: [Int32] = [20, 40, 50, 60, 80, 100]

    /// The device's own list where it has one; else 20, 40, 50, 60, 80 and 100 % of it, rounded
    /// to sizes that it can give.
    public static func paper(of device: DeviceSpec) -> SplitSizes {
        guard device.shares.isEmpty else {
            return SplitSizes(units: device.allowedUnits, whole: device.units)
        }
        let allowed = device.allowedUnits
        var sizes: [Int32] = []
        for percent in percent {
            let wanted = Int64(device.units) * Int64(percent)
            let nearest = allowed.min {
                abs(Int64($0) * 100 - wanted) < abs(Int64($1) * 100 - wanted)
            }
            if let nearest, sizes.last ?? 0 < nearest { sizes.append(nearest) }
        }
        return SplitSizes(units: sizes, whole: device.units)
    }

    /// Only all of the device.
    public static func undivided(_ device: DeviceSpec) -> SplitSizes {
        SplitSizes(units: [device.units], whole: device.units)
    }

    /// The sizes that leave a part that `device` can give too, with those parts; descending.
    ///
    /// These are the ways to cut it in two, as the released code does.
    static func halves(of device: DeviceSpec) -> [Int32] {
        let allowed = device.allowedUnits
        var all = [device.units]
        for size in paper(of: device).units where size < device.units {
            let rest = device.units - size
            guard allowed.contains(rest) else { continue }
            if !all.contains(size) { all.append(size) }
            if !all.contains(rest) { all.append(rest) }
        }
        return all.sorted(by: >)
    }
}
