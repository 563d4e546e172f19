import Logging
import ServerRuntime
import ServingDomain

/// One GPU that models are served from: its division, its copy streams, its idle sessions.
final class GPUDevice: Sendable {
    /// What was found out about it.
    let facts: GPUFacts
    /// As planner and core see it.
    let spec: DeviceSpec
    /// How it is divided.
    let partition: any Partition
    /// The primary context.
    let context: GPUContext
    /// Copy streams by direction, for what is high and for what is low. All instances share them:
    /// the copy engines take one copy at a time anyway, and the driver has few streams' worth of
    /// hardware queues.
    let copies: (highIn: CUDAStream, lowIn: CUDAStream, highOut: CUDAStream, lowOut: CUDAStream)
    /// Always idle, for the clock.
    let clockStream: CUDAStream
    /// Sessions that no instance uses at the moment.
    let idle = IdleSessions()

    /// What the driver and the libraries take for themselves, in MiB: context, cuBLAS, cuDNN.
    static let reserveMiB: Int64 = 768

    /// Divides a GPU: by green contexts where the driver can, else by time.
    init(id: DeviceID, facts: GPUFacts, context: GPUContext) throws(EngineError) {
        self.facts = facts
        self.context = context
        partition = Self.partition(of: context, facts)
        let (least, greatest) = context.priorities
        copies = (
            try CUDAStream(on: context, priority: greatest),
            try CUDAStream(on: context, priority: least),
            try CUDAStream(on: context, priority: greatest),
            try CUDAStream(on: context, priority: least)
        )
        clockStream = try CUDAStream(on: context, priority: least)
        spec = DeviceSpec(
            id: id,
            name: "gpu\(facts.ordinal)",
            kind: facts.kind,
            units: partition.units,
            grain: partition.grain,
            memoryMiB: max(1, facts.memoryMiB - Self.reserveMiB),
            copyEngines: max(1, facts.copyEngines),
            copy: Self.link(facts)
        )
    }

    /// Waits until no copy is under way, whatever becomes of it; after a failure.
    func drain() {
        guard (try? context.enter()) != nil else { return }
        for stream in [copies.highIn, copies.lowIn, copies.highOut, copies.lowOut] {
            try? stream.synchronize()
        }
    }

    /// One line for the log.
    var line: String {
        let size = partition.processors(partition.grain)
        let parts =
            partition.units == 100
            ? "hundredths, \(partition.mechanism)"
            : "\(partition.units) units of \(size) SMs, \(partition.mechanism)"
        return "\(spec.name) (\(spec.kind)): \(facts.line); \(parts)"
    }

    private static func partition(of context: GPUContext, _ facts: GPUFacts) -> any Partition {
        do throws(EngineError) {
            return try GreenContextPartition(device: context, capability: facts.capability)
        } catch {
            engineLog.notice("GPU \(facts.ordinal) is shared by time: \(error.message)")
            return StreamPriorityPartition(device: context, processors: facts.processors)
        }
    }

    /// The link by its generation, until it is measured: what the standard gives a lane after
    /// encoding, and four fifths of it for packets' headers.
    static func link(_ facts: GPUFacts) -> CopySpec {
        let lanes = [0, 250, 500, 985, 1_969, 3_938, 7_563]
        let known = facts.linkGeneration > 0 && facts.linkWidth > 0
        // Where nothing is known: generation 3, 16 lanes.
        let generation = known ? Int(min(facts.linkGeneration, 6)) : 3
        let width = Int64(known ? facts.linkWidth : 16)
        return CopySpec(
            setup: .microseconds(10),
            bytesPerSecond: Int64(lanes[generation]) * width * 800_000,
            bothWaysMilli: facts.copyEngines > 1 ? 900 : 500
        )
    }
}
