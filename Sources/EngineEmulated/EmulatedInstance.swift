import ServerRuntime
import ServingDomain
import VirtualDevices

/// An instance of an emulated model: buffers, and a wait in place of a computation.
final class EmulatedInstance: EngineInstance, @unchecked Sendable {
    // Safe: one thread at a time calls all but `terminate`, which touches the seats alone.

    /// The most bytes of one tensor over all rows of a batch.
    static let tensorLimit = 1 << 30

    private let loaded: LoadedEmulation
    private let seat = EmulatedControl.Seat()
    private let wait = EmulatedDevices.Seat()
    private var batch: Batch
    private var placement: Placement
    /// The place of its latencies on the emulated devices.
    private var row: Int32
    private var draws: UInt64

    init(of loaded: LoadedEmulation, number: UInt64, placement: Placement) throws(EngineError) {
        self.loaded = loaded
        try Self.check(placement, of: loaded)
        self.placement = placement
        self.row = try Self.checkedRow(placement, of: loaded)
        // The number keeps the noise of instances apart; 2^32 runs each before they meet.
        self.draws = number << 32
        self.batch = Batch(
            inputs: loaded.signature.inputs.count,
            outputs: loaded.signature.outputs.count
        )
    }

    func prepare(items: Int32, shapes: InputShapes) throws(EngineError) {
        let inputs = loaded.signature.inputs
        guard items >= 1, shapes.dims.count == inputs.count else {
            throw EngineError(
                .badInput,
                "model '\(loaded.name)' takes \(inputs.count) inputs and at least 1 item;"
                    + " got \(shapes.dims.count) and \(items)"
            )
        }
        draws += 1
        loaded.seat?.devices.prepare(wait)
        batch.begin(items: items, shapes: shapes)
    }

    func input(
        _ index: Int,
        byteCount: Int
    ) throws(EngineError) -> UnsafeMutableRawBufferPointer {
        let spec = loaded.signature.inputs[index]
        guard byteCount <= Self.tensorLimit else {
            throw EngineError(
                .outOfMemory,
                "input '\(spec.name)' has \(byteCount) bytes; the limit is \(Self.tensorLimit)"
            )
        }
        if let size = spec.type.size, let dims = batch.shapes.dims[index] {
            let wanted = Int(batch.items) * Int(dims.reduce(1, *)) * size
            guard byteCount == wanted else {
                throw EngineError(
                    .badInput,
                    "input '\(spec.name)' has \(byteCount) bytes; its shape takes \(wanted)"
                )
            }
        }
        guard isRepeated(index) else { return UnsafeMutableRawBufferPointer(start: nil, count: 0) }
        return batch.inputs[index].take(byteCount)
    }

    func perform(_ stage: Stage) throws(EngineError) -> StageTimes? {
        guard batch.items >= 1 else {
            throw EngineError(.failed, "model '\(loaded.name)': run without a prepared batch")
        }
        if loaded.model.control.faults.lost == placement.device.id {
            throw EngineError(
                .deviceLost,
                "emulated device \(placement.device.name) is lost; restart the server"
            )
        }
        if let device = loaded.seat { return try run(stage, on: device) }
        let latency = try time(of: stage)
        try loaded.model.control.run(seat, items: batch.items, latency: latency)
        return nil
    }

    private func run(
        _ stage: Stage,
        on device: LoadedEmulation.DeviceSeat
    ) throws(EngineError) -> StageTimes {
        try loaded.model.control.run(seat, items: batch.items, latency: .zero)
        let order = StageOrder(
            batch: BatchID(slot: 0, generation: 0),
            device: placement.device.id,
            lane: lane(on: device),
            row: row,
            stage: stage,
            items: batch.items,
            draw: draws
        )
        return try device.devices.run(order, wait)
    }

    /// Instances of one model on the same units are of one lane: gpulets never share units.
    private func lane(on device: LoadedEmulation.DeviceSeat) -> Int32 {
        device.model.index << 12 | (placement.units.first ?? 0) & 0xfff
    }

    func output(_ index: Int) throws(EngineError) -> EngineOutput {
        let spec = loaded.signature.outputs[index]
        if let source = source(of: spec, at: index), let dims = batch.shapes.dims[source] {
            return EngineOutput(
                shape: whole(dims),
                bytes: UnsafeRawBufferPointer(batch.inputs[source].bytes)
            )
        }
        let dims = (spec.engineDims ?? spec.dims).map { $0 < 0 ? 1 : $0 }
        // A BYTES element of no length is four zero bytes, so zeros do for every type.
        let byteCount = Int(batch.items) * Int(dims.reduce(1, *)) * (spec.type.size ?? 4)
        guard byteCount <= Self.tensorLimit else {
            throw EngineError(
                .outOfMemory,
                "output '\(spec.name)' has \(byteCount) bytes; the limit is \(Self.tensorLimit)"
            )
        }
        return EngineOutput(
            shape: whole(dims),
            bytes: UnsafeRawBufferPointer(batch.outputs[index].take(byteCount))
        )
    }

    func pin(_ placement: Placement) throws(EngineError) {
        row = try Self.checkedRow(placement, of: loaded)
        try Self.check(placement, of: loaded)
        self.placement = placement
    }

    func terminate() {
        loaded.model.control.terminate(seat)
        loaded.seat?.devices.terminate(wait)
    }
}

// MARK: - Arithmetic

extension EmulatedInstance {
    /// By how many units its latencies are looked up.
    private var units: Int32 { placement.ratedUnits }

    /// A share below the profile has no latency to emulate.
    private static func check(
        _ placement: Placement,
        of loaded: LoadedEmulation
    ) throws(EngineError) {
        let units = placement.ratedUnits
        guard let surface = loaded.model.timing?.surface else { return }
        guard surface.largestBatch(units: units) != nil else {
            let least = surface.points.first?.units ?? 0
            throw EngineError(
                .badModel,
                "model '\(loaded.name)' is profiled from \(least) units up and was given \(units);"
                    + " give it more, or profile smaller shares"
            )
        }
    }

    /// The place of its latencies on the emulated devices; 0 where it has times of its own.
    private static func checkedRow(
        _ placement: Placement,
        of loaded: LoadedEmulation
    ) throws(EngineError) -> Int32 {
        guard let seat = loaded.seat else { return 0 }
        let units = placement.ratedUnits
        let device = placement.device
        guard let row = seat.devices.row(of: seat.model, on: device.id, units: units) else {
            throw EngineError(
                .badModel,
                "model '\(loaded.name)' has no latencies for \(units) of the \(device.units) "
                    + "units of a \(device.kind); give it more, or profile smaller shares"
            )
        }
        return row
    }

    private func time(of stage: Stage) throws(EngineError) -> TimeSpan {
        guard let timing = loaded.model.timing else { return .zero }
        let span: TimeSpan?
        switch stage {
        case .whole:
            span = timing.latency(batch: batch.items, units: units, draw: draws)
        case .run(let part):
            guard part.lowerBound >= 0, part.upperBound <= timing.segments else {
                throw EngineError(
                    .failed,
                    "model '\(loaded.name)' runs in \(timing.segments) segments; asked for \(part)"
                )
            }
            span = timing.latency(batch: batch.items, units: units, segments: part, draw: draws)
        case .copyIn, .copyOut:
            throw EngineError(.failed, "this emulated device has no copy engines; use whole stages")
        }
        if let span { return span }
        let largest = timing.surface.largestBatch(units: units) ?? 0
        throw EngineError(
            .badInput,
            "a batch of \(batch.items) of model '\(loaded.name)' is outside its profile on \(units)"
                + " units (largest batch \(largest)); profile that size or lower the batch limit"
        )
    }

    /// The input whose bytes an output repeats.
    private func source(of output: TensorSpec, at index: Int) -> Int? {
        func isSource(_ input: Int) -> Bool { batch.inputs[input].isTaken && fits(input, output) }
        let inputs = loaded.signature.inputs.indices
        return inputs.contains(index) && isSource(index) ? index : inputs.first(where: isSource)
    }

    /// Whether an output may repeat an input's bytes. Else nothing is done with them: what their
    /// copy would take on a device is waited for, not worked for.
    private func isRepeated(_ input: Int) -> Bool {
        loaded.signature.outputs.contains { fits(input, $0) }
    }

    /// Whether the prepared rows of an input are such as `output` has.
    private func fits(_ input: Int, _ output: TensorSpec) -> Bool {
        guard loaded.signature.inputs[input].type == output.type,
            let dims = batch.shapes.dims[input]
        else { return false }
        let wanted = output.engineDims ?? output.dims
        return wanted.count == dims.count && zip(wanted, dims).allSatisfy { $0 < 0 || $0 == $1 }
    }

    private func whole(_ dims: [Int64]) -> [Int64] {
        loaded.signature.batched ? [Int64(batch.items)] + dims : dims
    }
}

// MARK: - Buffers

extension EmulatedInstance {
    /// The batch that is being put together or run, and memory that is kept for the next.
    private struct Batch {
        var items: Int32 = 0
        var shapes = InputShapes([])
        var inputs: [Buffer]
        var outputs: [Buffer]

        init(inputs: Int, outputs: Int) {
            self.inputs = (0..<inputs).map { _ in Buffer() }
            self.outputs = (0..<outputs).map { _ in Buffer() }
        }

        mutating func begin(items: Int32, shapes: InputShapes) {
            self.items = items
            self.shapes = shapes
            for input in inputs { input.release() }
        }
    }

    /// Memory that grows and is used again.
    private final class Buffer {
        private(set) var bytes = UnsafeMutableRawBufferPointer(start: nil, count: 0)
        private(set) var isTaken = false
        private var memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)

        deinit { memory.deallocate() }

        /// The first `count` bytes; zero when the memory is new.
        func take(_ count: Int) -> UnsafeMutableRawBufferPointer {
            if count > memory.count {
                memory.deallocate()
                memory = .allocate(byteCount: max(count, 64), alignment: 64)
                memory.initializeMemory(as: UInt8.self, repeating: 0)
            }
            bytes = UnsafeMutableRawBufferPointer(rebasing: memory[..<count])
            isTaken = true
            return bytes
        }

        func release() { isTaken = false }
    }
}
