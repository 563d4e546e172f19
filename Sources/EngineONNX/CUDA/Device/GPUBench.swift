public import ServerRuntime
public import ServingDomain

/// One GPU for those who measure it rather than serve from it.
public struct GPUBench: Sendable {
    private let device: GPUDevice

    init(_ device: GPUDevice) { self.device = device }

    /// As planner and core see it.
    public var spec: DeviceSpec { device.spec }
    /// What was found out about it.
    public var facts: GPUFacts { device.facts }
    /// How it is divided, such as `green contexts`.
    public var mechanism: String { device.partition.mechanism }

    /// What making, changing and giving back a gpulet of so many units costs; blocks.
    public func gpulet(_ units: Int32) throws(EngineError) -> GpuletCost {
        try device.partition.measure(units)
    }

    /// How long one copy of so many bytes takes, or one each way at once; blocks.
    ///
    /// By the GPU's own marks, from the first copy's begin to the last one's end.
    public func copy(_ bytes: Int64, into: Bool, out: Bool) throws(EngineError) -> TimeSpan {
        precondition(bytes >= 1 && (into || out))
        try device.context.enter()
        let count = Int(bytes)
        let (first, second) = (
            TransferBuffer(on: device.context), TransferBuffer(on: device.context)
        )
        _ = try first.reserve(count)
        _ = try second.reserve(count)
        defer { device.drain() }
        let (arrival, departure) = (try CopyTicket(on: device), try CopyTicket(on: device))
        if into {
            let stream = device.copies.highIn
            try arrival.queue(on: stream) { () throws(EngineError) in
                try first.copyIn(0..<count, on: stream)
            }
        }
        if out {
            let stream = device.copies.highOut
            try departure.queue(on: stream) { () throws(EngineError) in
                try second.copyOut(0..<count, on: stream)
            }
        }
        var marks: [(began: Instant, ended: Instant)] = []
        if into { marks.append(try arrival.times()) }
        if out { marks.append(try departure.times()) }
        let began = marks.map(\.began).min() ?? .zero
        return (marks.map(\.ended).max() ?? .zero) - began
    }
}

extension ONNXEngine {
    /// The GPUs that were taken, to be measured.
    public var gpuBenches: [GPUBench] { gpus.map { GPUBench($0) } }
}
