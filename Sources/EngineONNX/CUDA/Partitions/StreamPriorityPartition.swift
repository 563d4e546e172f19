import ServerRuntime

/// Gpulets that share the whole card by time: what every driver can.
///
/// A unit is a hundredth, and a promise of the plan rather than of the card: streams of larger
/// gpulets have a higher priority, and blocks that run are not interrupted (platform notes, F.1).
final class StreamPriorityPartition: Partition {
    let device: GPUContext
    let mechanism = "time sharing"
    let units: Int32 = 100
    let grain: Int32 = 10
    private let all: Int32
    private let seats = SeatTable()

    /// - Parameter processors: The card's SMs.
    init(device: GPUContext, processors: Int32) {
        self.device = device
        all = processors
    }

    func processors(_ units: Int32) -> Int32 { all }

    func acquire(_ units: [Int32]) throws(EngineError) -> PartitionSeat {
        try check(units)
        return try seats.seat(units) { units throws(EngineError) in try open(units) }
    }

    func open(_ units: [Int32]) throws(EngineError) -> PartitionSeat {
        try check(units)
        let (least, greatest) = device.priorities
        // The greatest priority is the smallest number: all of the card has it.
        let steps = (greatest - least) * Int32(units.count) / self.units
        return PartitionSeat(everywhere: device, units: units, priority: least + steps)
    }
}
