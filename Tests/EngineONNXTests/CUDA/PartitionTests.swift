import ServerRuntime
import ServingDomain
import Testing

@testable import EngineONNX

extension OnStandIn {
    struct Partitions {
        /// Proves that the card is split once, that gpulets of any size are put together of its
        /// groups, each with its own SMs, and that all units are the whole card.
        @Test
        func greenContexts() throws {
            try StandIn.run { standIn in
                let context = try standIn.context()
                let partition = try GreenContextPartition(device: context, capability: 9)
                #expect((partition.units, partition.grain, partition.groupSize) == (16, 1, 8))
                #expect(partition.processors(3) == 24)
                #expect(partition.processors(16) == 132)
                let small = try CUDAStream(on: partition.acquire([0, 1, 2]), priority: 0)
                let rest = try CUDAStream(on: partition.acquire([5, 4, 3]), priority: 0)
                let last = try CUDAStream(on: partition.acquire([15]), priority: 0)
                let whole = try CUDAStream(on: partition.acquire(Array(0..<16)), priority: 0)
                #expect(standIn.reach(small) == 24)
                #expect(standIn.reach(rest) == 24)
                #expect(standIn.reach(last) == 8)
                #expect(standIn.reach(whole) < 0)
                #expect(standIn["greens"] == 3)
                #expect(standIn["splits"] == 1)
            }
        }

        /// Proves that sizes change for ever without another split, that equal units share a
        /// context while somebody holds it, and that all is given back in the order demanded.
        @Test
        func resizing() throws {
            try StandIn.run { standIn in
                let context = try standIn.context()
                let partition = try GreenContextPartition(device: context, capability: 9)
                for round in 0..<40 {
                    let size = Int32(1 + round % 14)
                    let left = try partition.acquire(Array(0..<size))
                    let right = try partition.acquire(Array(size..<15))
                    let again = try partition.acquire(Array((0..<size).reversed()))
                    #expect(left === again)
                    #expect(left !== right)
                    let streams = [
                        try CUDAStream(on: left, priority: 0),
                        try CUDAStream(on: right, priority: 0),
                    ]
                    #expect(streams.map { standIn.reach($0) } == [8 * size, 8 * (15 - size)])
                    #expect(standIn["greens"] == 2)
                }
                #expect(standIn["greens"] == 0)
                #expect(standIn["splits"] == 1)
            }
        }

        /// Proves that the groups that the card gives count, not those that its SMs would make.
        @Test
        func granularity() throws {
            try StandIn.run { standIn in
                standIn["groups_max"] = 15
                let context = try standIn.context()
                let partition = try GreenContextPartition(device: context, capability: 9)
                #expect(partition.units == 15)
                #expect(partition.processors(15) == 132)
                standIn["grain"] = 2
                standIn["processors"] = 20
                standIn["groups_max"] = 128
                let fine = try GreenContextPartition(device: context, capability: 8)
                #expect((fine.units, fine.groupSize) == (10, 2))
            }
        }

        /// Proves that units which are not there, or are there twice, are refused.
        @Test
        func wrongUnits() throws {
            try StandIn.run { standIn in
                let context = try standIn.context()
                let partition = try GreenContextPartition(device: context, capability: 9)
                for units: [Int32] in [[], [16], [-1], [3, 3]] {
                    let error = try Bench.error { _ = try partition.acquire(units) }
                    #expect(error.message.contains("0 to 15"))
                }
            }
        }

        /// Proves that a card that can't be split is shared by time, with a line that says why.
        @Test
        func noSplit() throws {
            try StandIn.run { standIn in
                let context = try standIn.context()
                standIn.fail("cuDevSmResourceSplitByCount", 801)
                let failed = try Bench.error {
                    _ = try GreenContextPartition(device: context, capability: 9)
                }
                #expect(failed.message.contains("CUDA_ERROR_NOT_SUPPORTED (801)"))
                standIn["processors"] = 8
                let tiny = try Bench.error {
                    _ = try GreenContextPartition(device: context, capability: 9)
                }
                #expect(tiny.message.contains("only 1 group"))
                standIn["processors"] = 132
                standIn.fail("cuDevSmResourceSplitByCount", 915, after: 1)
                let facts = try #require(GPUDiscovery(standIn.request()).facts().first)
                let device = try GPUDevice(id: DeviceID(0), facts: facts, context: context)
                #expect(device.partition.mechanism == "time sharing")
            }
        }

        /// Proves that a gpulet which can't be made leaves nothing behind.
        @Test
        func failures() throws {
            try StandIn.run { standIn in
                let context = try standIn.context()
                let partition = try GreenContextPartition(device: context, capability: 9)
                standIn.fail("cuGreenCtxCreate", 2)
                #expect(try Bench.error { _ = try partition.acquire([0]) }.kind == .outOfMemory)
                standIn.fail("cuCtxFromGreenCtx", 999)
                #expect(try Bench.error { _ = try partition.acquire([0]) }.kind == .deviceLost)
                let seat = try partition.acquire([0])
                standIn.fail("cuGreenCtxStreamCreate", 2)
                let error = try Bench.error { _ = try CUDAStream(on: seat, priority: 0) }
                #expect(error.kind == .outOfMemory)
            }
        }

        /// Proves that time sharing gives larger gpulets a higher priority, within the card's.
        @Test
        func timeSharing() throws {
            try StandIn.run("libOldStandInDriver.so") { standIn in
                let context = try standIn.context()
                let partition = StreamPriorityPartition(device: context, processors: 132)
                #expect((partition.units, partition.processors(10)) == (100, 132))
                let sizes: [(Int32, Int32)] = [(10, 0), (40, -2), (100, -5)]
                for (size, priority) in sizes {
                    let seat = try partition.acquire(Array(0..<size))
                    #expect(seat.priority == priority)
                    let stream = try CUDAStream(on: seat, priority: seat.priority)
                    #expect(standIn.reach(stream) == -1 + priority)
                }
                #expect(try Bench.error { _ = try partition.acquire([100]) }.kind == .failed)
            }
        }

        /// Proves that the cost of making, changing and giving back a gpulet is measured by really
        /// doing it, and that nothing is left of it.
        @Test
        func costs() throws {
            try StandIn.run { standIn in
                let context = try standIn.context()
                let partition = try GreenContextPartition(device: context, capability: 9)
                let before = standIn["calls"]
                let cost = try partition.measure(4, tries: 3)
                #expect(cost.create > .zero && cost.resize > .zero && cost.destroy > .zero)
                #expect(standIn["calls"] - before > 3 * 10)
                #expect(standIn["greens"] == 0)
                #expect(standIn["splits"] == 1)
            }
        }
    }
}
