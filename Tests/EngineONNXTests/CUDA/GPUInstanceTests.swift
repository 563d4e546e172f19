import Glibc
import Logging
import ServerRuntime
import ServingDomain
import Testing

@testable import EngineONNX

extension OnStandIn {
    @Suite(.enabled(if: Bench.engine != nil, Bench.skip))
    struct Instances {
        /// An engine whose GPU is the stand-in, and a model loaded by it.
        private func model(
            _ bytes: ModelBytes,
            _ standIn: StandIn,
            complaint: (@Sendable (Int32) -> String?)? = nil,
            options: [String: String] = [:]
        ) throws -> (any LoadedModel, DeviceSpec) {
            let engine = try ONNXEngine(
                library: nil,
                gpus: standIn.request(),
                provider: GPUProvider(isHost: true, complaint: complaint),
                log: LogLines().logger
            )
            let path = try Bench.file(bytes.bytes)
            defer { Bench.remove(path) }
            let artifact = ModelArtifact(name: "test", version: 1, path: path, options: options)
            return (try engine.load(artifact), try #require(engine.gpuSpecs.first))
        }

        private func place(_ device: DeviceSpec, _ units: ClosedRange<Int32>) -> Placement {
            Placement(device: device, units: Array(units), own: Array(units))
        }

        private func rows(_ items: Int, _ width: Int, seed: Int = 0) -> [UInt8] {
            floats((0..<items * width).map { Float(($0 * 37 + seed * 11) % 101) - 50 })
        }

        /// Proves that whole batches of all sizes give what the CPU gives, bit by bit, through
        /// pinned memory, copies, streams and the device's memory.
        @Test
        func wholeBatches() throws {
            try StandIn.run { standIn in
                for bytes in [ModelBytes.affine, .chain(length: 3)] {
                    let width = bytes.weights.count == 2 ? 2 : 256
                    let cpu = try Bench.load(bytes).makeInstance(Bench.place())
                    let (model, device) = try model(bytes, standIn)
                    let gpu = try model.makeInstance(place(device, 0...3))
                    for items in [1, 4, 9, 2, 9, 32] {
                        let input = rows(items, width, seed: items)
                        let dims = [Int64(width)]
                        let wanted = try Bench.run(cpu, items: Int32(items), dims: dims, input)
                        let got = try Bench.run(gpu, items: Int32(items), dims: dims, input)
                        #expect(got.shape == wanted.shape)
                        #expect(got.bytes == wanted.bytes)
                    }
                }
                #expect(standIn["copies"] == 2 * 2 * 6)
            }
        }

        /// Proves that a batch in stages copies what its chunks say, runs once, and gives what the
        /// CPU gives; whatever chunks the core leaves out are made up for.
        @Test
        func stages() throws {
            try StandIn.run { standIn in
                let bytes = ModelBytes.chain(length: 2)
                let cpu = try Bench.load(bytes).makeInstance(Bench.place())
                let (model, device) = try model(bytes, standIn)
                let gpu = try model.makeInstance(place(device, 0...7))
                let items: Int32 = 5_000  // 5.12 MB in, as much out: three chunks each way
                let input = rows(Int(items), 256)
                let wanted = try Bench.run(cpu, items: items, dims: [256], input)
                let plan = StagePlan(
                    inputBytes: Int64(input.count),
                    outputBytes: Int64(input.count),
                    segments: 1,
                    copyEngines: 2
                )
                #expect((plan.chunksIn, plan.chunksOut) == (3, 3))
                for skipped in [Stage?.none, .copyIn(chunk: 2), .copyOut(chunk: 2)] {
                    try gpu.prepare(items: items, shapes: InputShapes([[256]]))
                    try gpu.input(0, byteCount: input.count).copyBytes(from: input)
                    var next: Stage? = plan.first(stride: 1)
                    var times: [StageTimes] = []
                    let copies = standIn["copies"]
                    while let stage = next {
                        if stage != skipped { times.append(try #require(try gpu.perform(stage))) }
                        next = plan.next(after: stage, stride: 1)
                    }
                    #expect(try Array(gpu.output(0).bytes) == wanted.bytes)
                    #expect(standIn["copies"] - copies == 6)
                    let ends = times.map(\.copyOutEnded)
                    #expect(ends == ends.sorted())
                    #expect(times.allSatisfy { $0.total >= .zero })
                }
            }
        }

        /// Proves that the times of a batch lie in their order between the moments before and
        /// after it, by the host's clock.
        @Test
        func times() throws {
            try StandIn.run { standIn in
                standIn["gigabytes_per_second"] = 1
                let (model, device) = try model(.chain(length: 1), standIn)
                let gpu = try model.makeInstance(place(device, 0...1))
                for _ in 0..<3 {
                    let input = rows(1_000, 256)
                    try gpu.prepare(items: 1_000, shapes: InputShapes([[256]]))
                    try gpu.input(0, byteCount: input.count).copyBytes(from: input)
                    let before = EventClock.now()
                    let times = try #require(try gpu.perform(.whole))
                    let after = EventClock.now()
                    // Three clocks, each as right as the host let its anchor be.
                    let slack = TimeSpan.milliseconds(25)
                    let moments = [
                        before, times.copyInBegan + slack, times.copyInEnded + slack,
                        times.runBegan + slack * 2, times.runEnded + slack * 2,
                        times.copyOutBegan + slack * 3, times.copyOutEnded + slack * 3,
                        after + slack * 4,
                    ]
                    #expect(moments == moments.sorted())
                    // A megabyte at a gigabyte per second takes a millisecond at least.
                    #expect((times.copyInEnded - times.copyInBegan).inMilliseconds > 1.02)
                }
            }
        }

        /// Proves that outputs whose shape depends on the data come back whole.
        @Test
        func shapesFromData() throws {
            try StandIn.run { standIn in
                let (model, device) = try model(.places, standIn)
                let gpu = try model.makeInstance(place(device, 0...0))
                for row: [Float] in [[1, 0, 1, 1], [0, 0, 0, 5], [0, 0, 0, 0], [1, 2, 3, 4]] {
                    let result = try Bench.run(gpu, items: 1, dims: [4], floats(row))
                    let places = row.indices.filter { row[$0] != 0 }.map { Int64($0) }
                    #expect(result.shape == [1, Int64(places.count)])
                    #expect(result.bytes == places.flatMap { littleEndian($0) })
                }
            }
        }

        /// Proves that an instance runs on its gpulet's SMs, that another plan and back again finds
        /// the sessions of before, and that instances side by side have streams of their own.
        @Test
        func routing() throws {
            try StandIn.run { standIn in
                let (model, device) = try model(.affine, standIn)
                let gpu = try #require(
                    try model.makeInstance(place(device, 0...3)) as? GPUInstance
                )
                #expect(standIn.reach(gpu.lane.stream) == 32)
                let first = gpu.lane.session
                try gpu.pin(place(device, 0...3))
                #expect(gpu.lane.session === first)
                try gpu.pin(place(device, 4...5))
                #expect(standIn.reach(gpu.lane.stream) == 16)
                #expect(gpu.lane.session !== first)
                let bytes = floats([1, 1])
                #expect(
                    try Bench.run(gpu, items: 1, dims: [2], bytes).bytes == floats([15, 27, 39])
                )
                try gpu.pin(place(device, 0...3))
                #expect(gpu.lane.session === first)
                #expect(
                    try Bench.run(gpu, items: 1, dims: [2], bytes).bytes == floats([15, 27, 39])
                )
                let other = try #require(
                    try model.makeInstance(place(device, 0...3)) as? GPUInstance
                )
                #expect(other.lane.session !== first)
                #expect(other.lane.stream.handle != gpu.lane.stream.handle)
                #expect(standIn.reach(other.lane.stream) == 32)
                #expect(standIn["greens"] == 2)
            }
        }

        /// Proves that a model which is unloaded leaves nothing on the device, whether its
        /// instances go before it or after, and that the next model never gets its sessions.
        @Test
        func unloading() throws {
            try StandIn.run { standIn in
                let engine = try ONNXEngine(gpus: standIn.request(), log: LogLines().logger)
                let device = try #require(engine.gpuSpecs.first)
                let streams = standIn["streams"]
                for (round, bytes) in [ModelBytes.affine, .identity(.fp32), .affine].enumerated() {
                    let path = try Bench.file(bytes.bytes)
                    defer { Bench.remove(path) }
                    let artifact = ModelArtifact(name: "test", version: 1, path: path)
                    var model: (any LoadedModel)? = try engine.load(artifact)
                    var gpu = try model?.makeInstance(place(device, 0...3))
                    try gpu?.pin(place(device, 4...5))
                    let width = round == 1 ? 3 : 2
                    let instance = try #require(gpu)
                    let result = try Bench.run(
                        instance,
                        items: 1,
                        dims: [Int64(width)],
                        rows(1, width)
                    )
                    #expect(result.shape == [1, 3])
                    if round == 0 { gpu = nil } else { model = nil }
                    withExtendedLifetime((model, gpu)) {}
                }
                #expect(engine.gpus.allSatisfy { $0.idle.count == 0 })
                #expect(standIn["streams"] == streams)
            }
        }

        /// Proves that memory which runs out in a run leads to smaller batches with the same
        /// results, and to a refusal only when one item alone does not fit.
        @Test
        func outOfMemoryInARun() throws {
            try StandIn.run { standIn in
                let bytes = ModelBytes.affine
                let cpu = try Bench.load(bytes).makeInstance(Bench.place())
                let (model, device) = try model(bytes, standIn) { items in
                    items > 3 ? "Failed to allocate memory for requested buffer of size 9" : nil
                }
                let made = try model.makeInstance(place(device, 0...3))
                let gpu = try #require(made as? GPUInstance)
                for items: Int32 in [2, 16, 13, 3, 1] {
                    let input = rows(Int(items), 2)
                    let wanted = try Bench.run(cpu, items: items, dims: [2], input)
                    #expect(try Bench.run(gpu, items: items, dims: [2], input) == wanted)
                }
                #expect(gpu.mostItems == 2)
                let (none, place) = try self.model(bytes, standIn) { _ in "out of memory" }
                let full = try none.makeInstance(self.place(place, 0...3))
                for items in [1, 8] {
                    let error = try Bench.error {
                        _ = try Bench.run(full, items: Int32(items), dims: [2], rows(items, 2))
                    }
                    #expect(error.kind == .outOfMemory)
                    #expect(error.message.contains("in a batch of 1:"))
                    #expect(error.message.contains("lower the batch limit"))
                }
            }
        }

        /// Proves that memory which only idle sessions hold is freed before a batch is cut.
        @Test
        func memoryOfIdleSessions() throws {
            try StandIn.run { standIn in
                let complaints = Flag()
                let (model, device) = try model(.affine, standIn) { items in
                    guard items == 4, !complaints.isRaised else { return nil }
                    complaints.raise()
                    return "CUBLAS_STATUS_ALLOC_FAILED"
                }
                let made = try model.makeInstance(place(device, 0...3))
                let gpu = try #require(made as? GPUInstance)
                try gpu.pin(place(device, 4...5))
                #expect(gpu.device.idle.count == 1)
                let result = try Bench.run(gpu, items: 4, dims: [2], rows(4, 2))
                #expect(result.shape == [4, 3])
                #expect(complaints.isRaised)
                #expect(gpu.device.idle.count == 0)
                #expect(gpu.mostItems == .max)
            }
        }

        /// Proves that memory which runs out for buffers or streams is refused in one line, once
        /// what idle sessions hold has been given up, and that the instance lives on.
        @Test
        func outOfMemoryElsewhere() throws {
            try StandIn.run { standIn in
                standIn["memory_mib"] = 4
                let (model, device) = try model(.affine, standIn)
                let gpu = try model.makeInstance(place(device, 0...3))
                let error = try Bench.error {
                    try gpu.prepare(items: 2_000_000, shapes: InputShapes([[2]]))
                }
                #expect(error.kind == .outOfMemory)
                #expect(error.message.contains("bytes of GPU 0's memory"))
                let input = rows(4, 2)
                #expect(try Bench.run(gpu, items: 4, dims: [2], input).shape == [4, 3])
                standIn["streams_max"] = standIn["streams"]
                let full = try Bench.error { _ = try model.makeInstance(place(device, 4...5)) }
                #expect(full.kind == .outOfMemory)
                try gpu.pin(place(device, 0...3))
                #expect(try Bench.run(gpu, items: 4, dims: [2], input).shape == [4, 3])
            }
        }

        /// Proves that a lost GPU fails each call in one line, once for all, without a crash, and
        /// that no new instance is made on it.
        @Test
        func lost() throws {
            try StandIn.run { standIn in
                let (model, device) = try model(.affine, standIn)
                let gpu = try model.makeInstance(place(device, 0...3))
                let input = rows(4, 2)
                _ = try Bench.run(gpu, items: 4, dims: [2], input)
                standIn["lost"] = 1
                for _ in 0..<2 {
                    let error = try Bench.error {
                        _ = try Bench.run(gpu, items: 4, dims: [2], input)
                    }
                    #expect(error.kind == .deviceLost)
                    #expect(error.message.contains("GPU 0 is lost"))
                }
                let error = try Bench.error { _ = try model.makeInstance(place(device, 0...1)) }
                #expect(error.kind == .deviceLost)
            }
        }

        /// Proves that a copy which fails on the way is one failed batch, not the end.
        @Test
        func failedCopies() throws {
            try StandIn.run { standIn in
                let (model, device) = try model(.affine, standIn)
                let gpu = try model.makeInstance(place(device, 0...3))
                let input = rows(4, 2)
                let wanted = try Bench.run(gpu, items: 4, dims: [2], input)
                for call in ["cuMemcpyHtoDAsync_v2", "cuMemcpyDtoHAsync_v2", "cuEventRecord"] {
                    standIn.fail(call, 1)
                    let error = try Bench.error {
                        _ = try Bench.run(gpu, items: 4, dims: [2], input)
                    }
                    #expect(error.kind == .failed)
                    #expect(error.message.contains("CUDA_ERROR_INVALID_VALUE (1)"))
                    #expect(try Bench.run(gpu, items: 4, dims: [2], input) == wanted)
                }
            }
        }

        /// Proves that models with strings are refused by the tensor's name, that the CPU still
        /// serves from the same engine, and that segments and sizes that are not there are refused.
        @Test
        func refusals() throws {
            try StandIn.run { standIn in
                let (strings, device) = try model(.identity(.bytes), standIn)
                let error = try Bench.error { _ = try strings.makeInstance(place(device, 0...3)) }
                #expect(error.kind == .badModel)
                #expect(error.message.contains("'x' holds strings"))
                #expect(try strings.makeInstance(Bench.place()) is ONNXInstance)
                #expect(error.message.contains("gpu.cpu_fallback = 1"))
                let (model, same) = try model(.affine, standIn)
                let gpu = try model.makeInstance(place(same, 0...3))
                #expect(try Bench.error { try gpu.perform(.whole) }.kind == .failed)
                try gpu.prepare(items: 1, shapes: InputShapes([[2]]))
                #expect(try Bench.error { _ = try gpu.output(0) }.kind == .failed)
                #expect(try Bench.error { _ = try gpu.input(0, byteCount: 9) }.kind == .badInput)
                for stage in [Stage.run(segments: 0..<2), .copyOut(chunk: 0)] {
                    #expect(try Bench.error { try gpu.perform(stage) }.kind == .failed)
                }
                let items = try Bench.error {
                    try gpu.prepare(items: 0, shapes: InputShapes([[2]]))
                }
                #expect(items.kind == .badInput)
            }
        }

        /// Proves that a model with strings whose configuration allows it is run by the CPU in the
        /// GPU's lane, whole and in stages, and takes nothing of the GPU.
        @Test
        func stringsOnTheCPU() throws {
            try StandIn.run { standIn in
                let options = ["gpu.cpu_fallback": "1"]
                let (model, device) = try model(.identity(.bytes), standIn, options: options)
                let before = standIn["calls"]
                let instance = try model.makeInstance(place(device, 0...3))
                #expect(instance is ONNXInstance)
                try instance.pin(place(device, 4...7))
                let wire = [UInt8](repeating: 0, count: 12)
                #expect(try Bench.run(instance, items: 1, dims: [3], wire).bytes == wire)
                try instance.prepare(items: 1, shapes: InputShapes([[3]]))
                try instance.input(0, byteCount: wire.count).copyBytes(from: wire)
                for stage in [Stage.copyIn(chunk: 0), .run(segments: 0..<1), .copyOut(chunk: 0)] {
                    #expect(try instance.perform(stage) == nil)
                }
                #expect(try Array(instance.output(0).bytes) == wire)
                #expect(
                    try Bench.error { try instance.perform(.run(segments: 0..<2)) }.kind == .failed
                )
                #expect(standIn["calls"] == before)
            }
        }

        /// Proves that instances on lane threads of their own, high ones whole and low ones in
        /// stages, run side by side on one device without a wrong byte.
        @Test
        func sideBySide() async throws {
            let standIn = try StandIn()
            do {
                let (model, device) = try model(.chain(length: 5), standIn)
                try await withThrowingTaskGroup(of: Bool.self) { group in
                    for lane in 0..<4 {
                        let units = Int32(lane * 3)...Int32(lane * 3 + 2)
                        let place = place(device, units)
                        let input = rows(300, 256, seed: lane)
                        group.addTask {
                            try Bench.onThread {
                                let gpu = try model.makeInstance(place)
                                return try Self.repeats(gpu, input, inStages: lane % 2 == 1)
                            }
                        }
                    }
                    for try await right in group { #expect(right) }
                }
            }
            #expect(standIn["violations"] == 0, "\(standIn.log.suffix(2_000))")
        }

        /// Whether twenty batches all turn each row by five places.
        private static func repeats(
            _ gpu: any EngineInstance,
            _ input: [UInt8],
            inStages: Bool
        ) throws -> Bool {
            let wanted = (0..<300).flatMap { row -> [UInt8] in
                let part = Array(input[(row * 1_024)..<(row * 1_024 + 1_024)])
                return Array(part[(251 * 4)...] + part[..<(251 * 4)])
            }
            for _ in 0..<20 {
                try gpu.prepare(items: 300, shapes: InputShapes([[256]]))
                try gpu.input(0, byteCount: input.count).copyBytes(from: input)
                let stages: [Stage] =
                    inStages
                    ? [.copyIn(chunk: 0), .run(segments: 0..<1), .copyOut(chunk: 0)] : [.whole]
                for stage in stages { try gpu.perform(stage) }
                guard try Array(gpu.output(0).bytes) == wanted else { return false }
            }
            return true
        }
    }
}
