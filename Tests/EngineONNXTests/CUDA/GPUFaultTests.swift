import ServerRuntime
import ServingDomain
import Testing

@testable import EngineONNX

extension OnStandIn {
    /// Every call of the driver fails once, at each of its first places.
    @Suite(.enabled(if: Bench.engine != nil, Bench.skip))
    struct Faults {
        private static let calls = [
            "cuInit", "cuDriverGetVersion", "cuDeviceGetCount", "cuDeviceGet", "cuDeviceGetName",
            "cuDeviceGetUuid_v2", "cuDeviceGetAttribute", "cuDeviceTotalMem_v2",
            "cuDevicePrimaryCtxRetain", "cuCtxSetCurrent", "cuCtxGetStreamPriorityRange",
            "cuStreamCreateWithPriority", "cuStreamWaitEvent", "cuEventCreate", "cuEventRecord",
            "cuEventSynchronize", "cuEventElapsedTime", "cuMemAlloc_v2", "cuMemHostAlloc",
            "cuMemcpyHtoDAsync_v2", "cuMemcpyDtoHAsync_v2", "cuDeviceGetDevResource",
            "cuDevSmResourceSplitByCount", "cuDevResourceGenerateDesc", "cuGreenCtxCreate",
            "cuCtxFromGreenCtx", "cuGreenCtxStreamCreate", "nvmlInit_v2",
            "nvmlDeviceGetHandleByPciBusId_v2", "nvmlDeviceGetMigMode",
        ]

        /// Proves that whichever call fails once, discovery, loading and batches end in one line or
        /// in the right result, that nothing is used that was not made, and that afterwards, unless
        /// the device is lost, the same steps succeed; with CUDA graphs as well.
        @Test(arguments: [Int32(1), 2, 719], [false, true])
        func everyCall(code: Int32, graphs: Bool) throws {
            let path = try Bench.file(ModelBytes.affine.bytes)
            defer { Bench.remove(path) }
            for call in Self.calls {
                for skip in Int64(0)..<12 {
                    let standIn = try StandIn()
                    standIn.fail(call, code, after: skip)
                    try attempt(standIn, path, graphs, mayFail: true)
                    // Some calls come less often than that: their fault waits for the second time.
                    if code != 719 { try attempt(standIn, path, graphs, mayFail: true) }
                    #expect(
                        standIn["violations"] == 0,
                        "\(call) \(skip): \(standIn.log.suffix(500))"
                    )
                    if standIn["violations"] > 0 { return }
                    // What can't be released in a context that can't be entered stays.
                    guard code != 719, call != "cuCtxSetCurrent" else { continue }
                    for count in ["streams", "events", "greens", "device_bytes", "retained"] {
                        #expect(standIn[count] == 0, "\(count) left over by \(call) \(skip)")
                    }
                }
            }
            let standIn = try StandIn()
            try attempt(standIn, path, graphs, mayFail: false)
        }

        /// Finds the GPU, loads the model, and runs batches whole and in stages on two gpulets.
        private func attempt(
            _ standIn: StandIn,
            _ path: String,
            _ graphs: Bool,
            mayFail: Bool
        ) throws {
            do {
                let engine = try ONNXEngine(
                    library: nil,
                    gpus: standIn.request(),
                    provider: GPUProvider(isHost: true, capturesGraphs: graphs),
                    log: LogLines().logger
                )
                guard let device = engine.gpuSpecs.first else { return #expect(mayFail) }
                let artifact = ModelArtifact(name: "test", version: 1, path: path)
                let model = try engine.load(artifact)
                let units: [Int32] = device.units == 16 ? [0, 1, 2] : Array(0..<30)
                let other: [Int32] = device.units == 16 ? [3] : Array(30..<50)
                let place = Placement(device: device, units: units, own: units)
                let gpu = try model.makeInstance(place)
                let input = floats([1, 1, 0, 0])
                let wanted = floats([15, 27, 39, 10, 20, 30])
                #expect(try Bench.run(gpu, items: 2, dims: [2], input).bytes == wanted)
                gpu.beginServing()
                #expect(try Bench.run(gpu, items: 2, dims: [2], input).bytes == wanted)
                try gpu.prepare(items: 2, shapes: InputShapes([[2]]))
                try gpu.input(0, byteCount: input.count).copyBytes(from: input)
                let stages: [Stage] = [
                    .copyIn(chunk: 0), .run(segments: 0..<1), .copyOut(chunk: 0),
                ]
                for stage in stages { try gpu.perform(stage) }
                #expect(try Array(gpu.output(0).bytes) == wanted)
                try gpu.pin(Placement(device: device, units: other, own: other))
                #expect(try Bench.run(gpu, items: 2, dims: [2], input).bytes == wanted)
            } catch let error as EngineError {
                #expect(mayFail, "\(error.message)")
                #expect(!error.message.contains("\n"))
            }
        }

        /// Proves that a run which fails because the GPU is gone says so, and not that the model
        /// is at fault.
        @Test
        func lostInARun() throws {
            try StandIn.run { standIn in
                let engine = try ONNXEngine(
                    library: nil,
                    gpus: standIn.request(),
                    provider: GPUProvider(isHost: true) { _ in "CUDA failure 719" },
                    log: LogLines().logger
                )
                let path = try Bench.file(ModelBytes.affine.bytes)
                defer { Bench.remove(path) }
                let model = try engine.load(ModelArtifact(name: "test", version: 1, path: path))
                let device = try #require(engine.gpuSpecs.first)
                let place = Placement(device: device, units: [0], own: [0])
                let gpu = try model.makeInstance(place)
                let input = floats([1, 1])
                let plain = try Bench.error { _ = try Bench.run(gpu, items: 1, dims: [2], input) }
                #expect(plain.kind == .failed)
                #expect(plain.message.contains("the run failed: CUDA failure 719"))
                standIn.fail("cuStreamSynchronize", 719)
                let lost = try Bench.error { _ = try Bench.run(gpu, items: 1, dims: [2], input) }
                #expect(lost.kind == .deviceLost)
            }
        }
    }
}
