import ServerCore
import ServingDomain

/// Which units of which device belong to which gpulet, by number.
struct UnitAllocator {
    private struct Holding {
        var device: Int
        var units: [Int32]
    }

    private let devices: [DeviceSpec]
    /// The numbers that the system calls the units by, such as CPU cores.
    private let numbers: [[Int32]]
    private var free: [[Int32]]
    private var holdings: [GpuletID: Holding] = [:]

    init(devices: [DeviceSpec], numbers: [[Int32]]) {
        precondition(devices.count == numbers.count)
        self.devices = devices
        self.numbers = numbers
        free = numbers
    }

    /// Carries out a step; false when the units that it asks for are not free.
    mutating func carryOut(_ step: RolloutStep) -> Bool {
        switch step {
        case .open(let gpulet, let device, let units):
            return take(units, of: device.position, for: gpulet)
        case .pin(let gpulet, let units):
            guard let holding = holdings[gpulet] else { return false }
            giveBack(gpulet)
            if take(units, of: holding.device, for: gpulet) { return true }
            _ = take(Int32(holding.units.count), of: holding.device, for: gpulet)
            return false
        case .close(let gpulet):
            giveBack(gpulet)
            return true
        }
    }

    /// Where the instance at `ordinal` of its lane sits. Without a width cores are dealt in turn,
    /// each instance getting max(1, cores / instances) of them; with one it runs on so many of
    /// the gpulet's, wherever the system finds them free.
    func placement(of order: InstanceOrder, ordinal: Int) -> Placement? {
        guard let holding = holdings[order.gpulet] else { return nil }
        guard order.width == 0 else {
            return Placement(
                device: devices[holding.device],
                units: holding.units,
                own: holding.units,
                width: min(Int(order.width), holding.units.count)
            )
        }
        let width = max(1, holding.units.count / Int(order.siblings))
        let own = (0..<width).map { holding.units[(ordinal * width + $0) % holding.units.count] }
        return Placement(device: devices[holding.device], units: holding.units, own: own)
    }

    private mutating func take(_ count: Int32, of device: Int, for gpulet: GpuletID) -> Bool {
        guard holdings[gpulet] == nil, free[device].count >= Int(count) else { return false }
        let units = Array(free[device].prefix(Int(count)))
        free[device].removeFirst(Int(count))
        holdings[gpulet] = Holding(device: device, units: units)
        return true
    }

    private mutating func giveBack(_ gpulet: GpuletID) {
        guard let holding = holdings.removeValue(forKey: gpulet) else { return }
        let order = numbers[holding.device]
        let together = Set(free[holding.device] + holding.units)
        free[holding.device] = order.filter(together.contains)
    }
}
