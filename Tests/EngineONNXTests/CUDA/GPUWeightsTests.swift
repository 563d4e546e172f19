import ServerRuntime
import ServingDomain
import Testing

@testable import EngineONNX

extension OnStandIn {
    /// The plan counts a model's weights once per GPU; so does the engine.
    @Suite(.enabled(if: Bench.engine != nil, Bench.skip))
    struct Weights {
        /// Four products of 1.5 MiB each.
        private let bytes = SharedWeightsTests.heavy
        private let weights: Int64 = 4 * 628 * 628 * 4
        private let row = floats((0..<628).map { Float($0) })
        private let turned = floats((0..<628).map { Float(($0 + 624) % 628) })

        private func model(
            _ standIn: StandIn,
            options: [String: String] = [:]
        ) throws -> (any LoadedModel, DeviceSpec) {
            let engine = try ONNXEngine(gpus: standIn.request(), log: LogLines().logger)
            let device = try #require(engine.gpuSpecs.first)
            return (try load(bytes, by: engine, options: options), device)
        }

        private func load(
            _ bytes: ModelBytes,
            by engine: ONNXEngine,
            options: [String: String] = [:]
        ) throws -> any LoadedModel {
            let path = try Bench.file(bytes.bytes)
            defer { Bench.remove(path) }
            return try engine.load(
                ModelArtifact(name: "test", version: 1, path: path, options: options)
            )
        }

        private func instance(
            _ model: any LoadedModel,
            _ device: DeviceSpec,
            _ units: ClosedRange<Int32>
        ) throws -> GPUInstance {
            let place = Placement(device: device, units: Array(units), own: Array(units))
            return try #require(try model.makeInstance(place) as? GPUInstance)
        }

        private func isRight(_ instance: GPUInstance) throws -> Bool {
            try Bench.run(instance, items: 1, dims: [628], row).bytes == turned
        }

        /// Proves that instances on one gpulet, on others, and after a move use the same weights in
        /// the device's memory, which are there once, and compute what the model says.
        @Test
        func onePerDevice() throws {
            try StandIn.run { standIn in
                let (model, device) = try model(standIn)
                #expect(standIn["device_bytes"] == 0)
                let first = try instance(model, device, 0...3)
                let one = standIn["device_bytes"]
                #expect(one >= weights)
                #expect(one < weights + 4_096)
                let others = [
                    try instance(model, device, 0...3), try instance(model, device, 4...7),
                ]
                let shared = try #require(first.lane.session.weights)
                for other in others {
                    #expect(other.lane.session !== first.lane.session)
                    #expect(other.lane.session.weights === shared)
                }
                for instance in [first] + others { #expect(try isRight(instance)) }
                try first.pin(Placement(device: device, units: [8, 9], own: [8, 9]))
                #expect(first.lane.session.weights === shared)
                #expect(try isRight(first))
                // What came on top is what requests travel in.
                #expect(standIn["device_bytes"] < one + 64 << 10)
                #expect(standIn["pinned_bytes"] < 64 << 10)
                #expect(standIn["violations"] == 0)
            }
        }

        /// Proves that two GPUs have a copy each.
        @Test
        func twoDevices() throws {
            try StandIn.run { standIn in
                standIn["devices"] = 2
                let engine = try ONNXEngine(gpus: standIn.request(), log: LogLines().logger)
                let model = try load(bytes, by: engine)
                try #require(engine.gpuSpecs.count == 2)
                let both = try engine.gpuSpecs.map { try instance(model, $0, 0...3) }
                #expect(both[0].lane.session.weights !== both[1].lane.session.weights)
                for instance in both { #expect(try isRight(instance)) }
                #expect(standIn["device_bytes"] >= 2 * weights)
            }
        }

        /// Proves that a model which may not share, is too small to, or finds too little memory for
        /// it, once what idle sessions hold is given up, is served by sessions with weights of
        /// their own.
        @Test
        func refusals() throws {
            try StandIn.run { standIn in
                let (model, device) = try model(standIn, options: ["gpu.share_weights": "0"])
                let own = try instance(model, device, 0...3)
                #expect(own.lane.session.weights == nil)
                #expect(try isRight(own))
            }
            try StandIn.run { standIn in
                standIn["memory_mib"] = 5
                let engine = try ONNXEngine(gpus: standIn.request(), log: LogLines().logger)
                let device = try #require(engine.gpuSpecs.first)
                let small = try instance(load(.affine, by: engine), device, 0...3)
                #expect(small.lane.session.weights == nil)
                try small.pin(Placement(device: device, units: [8, 9], own: [8, 9]))
                #expect(small.device.idle.count == 1)
                let model = try load(bytes, by: engine)
                let tight = try instance(model, device, 0...3)
                #expect(tight.lane.session.weights == nil)
                #expect(small.device.idle.count == 0)
                #expect(try isRight(tight))
                // Once refused, it stays so.
                standIn["memory_mib"] = 100
                #expect(try instance(model, device, 4...7).lane.session.weights == nil)
            }
            let error = try Bench.error {
                _ = try Bench.load(.affine, options: ["gpu.share_weights": "yes"])
            }
            #expect(error.message.contains("gpu.share_weights"))
        }

        /// Proves that weights whose copy fails half-way leave nothing behind, and that a device
        /// which is lost meanwhile is no matter of sharing.
        @Test
        func failedCopies() throws {
            for (code, kind) in [(Int32(1), EngineError.Kind?.none), (719, .deviceLost)] {
                let standIn = try StandIn()
                do {
                    let (model, device) = try model(standIn)
                    standIn.fail("cuMemcpyHtoDAsync_v2", code, after: 2)
                    if let kind {
                        let error = try Bench.error { _ = try instance(model, device, 0...3) }
                        #expect(error.kind == kind)
                    } else {
                        let own = try instance(model, device, 0...3)
                        #expect(own.lane.session.weights == nil)
                        #expect(standIn["device_bytes"] == 0)
                        #expect(try isRight(own))
                    }
                }
                #expect(standIn["violations"] == 0, "\(standIn.log.suffix(2_000))")
            }
        }
    }
}
