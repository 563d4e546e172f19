import CCUDADriver
import ServerRuntime

/// Gpulets as green contexts: disjoint sets of SMs inside one process.
///
/// The card is split once, into as many groups of its smallest size as there are; a unit is one
/// group. A gpulet's groups are put together in one descriptor, which the driver allows for
/// groups of one split, so sizes change without another split: two splits would overlap (platform
/// notes, F.2). What is left of the split when groups are even (4 of the H200's 132 SMs, or more)
/// belongs to no gpulet but the whole card, which needs no green context at all.
final class GreenContextPartition: Partition, @unchecked Sendable {
    // Safe: set in `init`; the groups are the driver's data, only read, and `seats` is locked.
    let device: GPUContext
    let mechanism = "green contexts"
    /// The SMs of one group, and of the whole card.
    let groupSize: Int32, all: Int32
    private let groups: [ccuda_resource]
    private let seats = SeatTable()

    var units: Int32 { Int32(groups.count) }
    var grain: Int32 { 1 }

    /// Splits the card.
    ///
    /// - Parameter capability: The major of the card's compute capability; decides the size of a
    ///   group where the driver does not say it (before 13.0).
    /// - Throws: Where the driver can't split; the card can still be shared by time.
    init(device: GPUContext, capability: Int32) throws(EngineError) {
        self.device = device
        let driver = device.driver
        guard driver.hasGreenContexts, let ask = driver.calls.device_resource,
            let split = driver.calls.split_by_count
        else {
            throw EngineError(
                .unavailable,
                "the driver for CUDA \(driver.version) has no green contexts; 12.4 has"
            )
        }
        try device.enter()
        var whole = ccuda_resource()
        let code = ask(device.number, &whole, ccuda_resource_processors)
        try device.check(code, "asking for GPU \(device.number)'s SMs")
        let least = max(whole.least, whole.alignment, whole.least == 0 ? Self.usual(capability) : 1)
        var count: UInt32 = 0
        let counting = split(nil, &count, &whole, nil, 0, least)
        try device.check(counting, "counting GPU \(device.number)'s groups of SMs")
        guard count >= 2 else {
            throw EngineError(
                .unavailable,
                "GPU \(device.number) with \(whole.count) SMs has only \(count) group of \(least)"
            )
        }
        var groups = [ccuda_resource](repeating: ccuda_resource(), count: Int(count))
        var rest = ccuda_resource()
        let splitting = split(&groups, &count, &whole, &rest, 0, least)
        try device.check(splitting, "splitting GPU \(device.number)'s SMs")
        self.groups = Array(groups.prefix(Int(count)))
        groupSize = Int32(clamping: groups[0].count)
        all = Int32(clamping: whole.count)
    }

    /// The guideline of the driver's documentation for each architecture.
    private static func usual(_ capability: Int32) -> UInt32 {
        switch capability {
        case ..<7: 1
        case 7: 2
        case 8: 4
        default: 8
        }
    }

    func processors(_ units: Int32) -> Int32 { units >= self.units ? all : units * groupSize }

    func acquire(_ units: [Int32]) throws(EngineError) -> PartitionSeat {
        try check(units)
        return try seats.seat(units) { units throws(EngineError) in try open(units) }
    }

    func open(_ units: [Int32]) throws(EngineError) -> PartitionSeat {
        try check(units)
        guard units.count < groups.count else {
            let least = device.priorities.least
            return PartitionSeat(everywhere: device, units: units, priority: least)
        }
        guard let describe = device.driver.calls.describe,
            let create = device.driver.calls.green_create
        else { throw EngineError(.unavailable, "the driver has no green contexts") }
        try device.enter()
        var parts = units.map { groups[Int($0)] }
        var descriptor: OpaquePointer?
        let described = describe(&descriptor, &parts, UInt32(parts.count))
        let plan = try device.made(descriptor, described, "describing units \(units)")
        var green: OpaquePointer?
        let created = create(&green, plan, device.number, ccuda_green_default_stream)
        let context = try device.made(green, created, "making a gpulet of units \(units)")
        return try PartitionSeat(device: device, units: units, green: context)
    }
}
