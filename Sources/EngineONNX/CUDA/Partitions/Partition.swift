import CCUDADriver
import ServerRuntime
import ServingDomain

/// How one GPU is divided among gpulets.
///
/// The core deals in numbered units; a partition knows what they are on the card. Seats are taken
/// for as long as somebody holds them: giving one back is letting go of it.
protocol Partition: AnyObject, Sendable {
    /// The device whose parts these are.
    var device: GPUContext { get }
    /// How the division is made, for people.
    var mechanism: String { get }
    /// How many units there are.
    var units: Int32 { get }
    /// Shares are multiples of this many units.
    var grain: Int32 { get }

    /// How many SMs so many units are; all of the card's where they may run anywhere.
    func processors(_ units: Int32) -> Int32

    /// Makes a seat on the given units, new even where there is one already.
    func open(_ units: [Int32]) throws(EngineError) -> PartitionSeat

    /// The seat on the given units: the one that somebody holds, else a new one.
    func acquire(_ units: [Int32]) throws(EngineError) -> PartitionSeat
}

extension Partition {
    /// Whether units are ones of the device, each once.
    func check(_ units: [Int32]) throws(EngineError) {
        guard !units.isEmpty, Set(units).count == units.count,
            units.allSatisfy({ (0..<self.units).contains($0) })
        else {
            throw EngineError(
                .failed,
                "units \(units) are not parts of GPU \(device.number), which has 0 to "
                    + "\(self.units - 1), each once"
            )
        }
    }

    /// What it costs to make a gpulet of the first `units` units, to move a stream to one of
    /// another size, and to give it back; the fastest of `tries`. Blocks.
    func measure(_ units: Int32, tries: Int = 5) throws(EngineError) -> GpuletCost {
        precondition(tries >= 1)
        var best = GpuletCost(create: .distant, resize: .distant, destroy: .distant)
        let other = units > grain ? units - grain : min(self.units, units + grain)
        for _ in 0..<tries {
            var streams: [CUDAStream] = []
            let start = EventClock.now()
            streams.append(try Self.begin(open(Array(0..<units))))
            let made = EventClock.now()
            streams.append(try Self.begin(open(Array(0..<other))))
            streams.removeFirst()
            let moved = EventClock.now()
            streams.removeAll()
            let gone = EventClock.now()
            best.create = min(best.create, made - start)
            best.resize = min(best.resize, moved - made)
            best.destroy = min(best.destroy, gone - moved)
        }
        return best
    }

    /// A stream of a seat that has done something, so that nothing is put off.
    private static func begin(_ seat: PartitionSeat) throws(EngineError) -> CUDAStream {
        let stream = try CUDAStream(on: seat, priority: seat.priority)
        let event = try CUDAEvent(in: seat.context, of: seat.device)
        try event.record(on: stream)
        try event.synchronize()
        return stream
    }
}

extension TimeSpan {
    fileprivate static var distant: TimeSpan { TimeSpan(nanoseconds: .max) }
}

/// A part of a GPU that streams can be made on.
final class PartitionSeat: @unchecked Sendable {
    // Safe: set in `init`; the driver's calls on a context may come from any thread.

    /// The device.
    let device: GPUContext
    /// The units, as they were asked for.
    let units: [Int32]
    /// The driver's green context; nil where the seat may use all SMs.
    let green: OpaquePointer?
    /// The context that events of the seat's streams are made in.
    let context: OpaquePointer
    /// The priority of streams here.
    let priority: Int32

    /// A seat on all SMs.
    init(everywhere device: GPUContext, units: [Int32], priority: Int32) {
        self.device = device
        self.units = units
        self.priority = priority
        green = nil
        context = device.primary
    }

    /// A seat in a green context, which it takes over.
    init(device: GPUContext, units: [Int32], green: OpaquePointer) throws(EngineError) {
        self.device = device
        self.units = units
        self.green = green
        priority = device.priorities.least
        var own: OpaquePointer?
        guard let convert = device.driver.calls.green_context else {
            throw EngineError(.failed, "NVIDIA's driver has no green contexts")
        }
        let code = convert(&own, green)
        do throws(EngineError) {
            context = try device.made(own, code, "using a green context")
        } catch {
            _ = device.driver.calls.green_destroy?(green)
            throw error
        }
    }

    deinit {
        // Its streams are gone: each holds its seat.
        if let green { _ = device.driver.calls.green_destroy?(green) }
    }
}
