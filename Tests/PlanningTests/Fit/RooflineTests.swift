import ServingDomain
import Testing

@testable import Planning

/// The roofline with its staircase.
@Suite struct RooflineTests {
    /// A machine of 10 processors on which numbers are round: 10 GFLOP/s each, 100 GB/s.
    static let machine = Machine(
        processors: 10,
        teraflops: 0.1,
        memoryGBps: 100,
        memoryShare: 0.5,
        launchMicroseconds: 1,
        valueBytes: 4,
        execution: .eager,
        software: Machine.Software(
            denseEfficiency: 1,
            depthwiseEfficiency: 1,
            winogradGain: 1,
            memoryEfficiency: 1,
            denseBlock: 100,
            denseResidents: 1,
            shortestSum: 1e9,
            shortestProductSum: 1e9,
            lightBlock: 100,
            lightResidents: 1
        )
    )

    static func network(_ kernel: KernelCost) -> NetworkCost {
        NetworkCost(name: "one", inputBytes: 0, outputBytes: 0, storedBytes: 0, kernels: [kernel])
    }

    @Test("A graph of which nothing is left to compute takes one launch, and keeps nothing busy")
    func empty() {
        let nothing = NetworkCost(
            name: "identity",
            inputBytes: 64,
            outputBytes: 64,
            storedBytes: 0,
            kernels: []
        )
        for preset in DevicePreset.all {
            let profile = preset.profile(of: nothing)
            #expect(profile.surface.points.allSatisfy { $0.latency > .zero })
            #expect(profile.utilization.allSatisfy { $0.sm == 0 && $0.dram == 0 })
        }
    }

    @Test("Blocks run in waves: 15 on 10 processors take two, as on 8, and on 7 three")
    func staircase() {
        // 1,500 outputs are 15 blocks; 1.5 GFLOP are 0.1 each: 10 ms on one processor.
        let work = Self.network(
            KernelCost(.matmul, flops: 1_500_000_000, readBytes: 4, writeBytes: 6_000)
        )
        let roofline = Roofline(Self.machine)
        let times = [10, 8, 7, 5, 4].map {
            (roofline.milliseconds(of: work, batch: 1, processors: $0) * 1e3).rounded() / 1e3
        }
        #expect(times == [20.001, 20.001, 30.001, 30.001, 40.001])
    }

    @Test("Half of the processors saturate the memory; one block keeps one of them busy")
    func bandwidth() {
        let many = Self.network(KernelCost(.copy, readBytes: 0, writeBytes: 100_000_000))
        let roofline = Roofline(Self.machine)
        #expect(abs(roofline.milliseconds(of: many, batch: 1, processors: 10) - 1.001) < 1e-9)
        #expect(abs(roofline.milliseconds(of: many, batch: 1, processors: 5) - 1.001) < 1e-9)
        #expect(abs(roofline.milliseconds(of: many, batch: 1, processors: 1) - 5.001) < 1e-9)
        let one = Self.network(KernelCost(.copy, readBytes: 20_000_000, writeBytes: 400))
        // 20 MB at a fifth of 100 GB/s.
        #expect(abs(roofline.milliseconds(of: one, batch: 1, processors: 10) - 1.00102) < 1e-6)
    }

    @Test("An engine that folds pays no pass for a bias and no launch for an activation")
    func execution() {
        let kernels = [
            KernelCost(.conv, isShifted: true, flops: 10, readBytes: 400, writeBytes: 400),
            KernelCost(.elementwise, readBytes: 400, writeBytes: 400),
        ]
        var network = Self.network(kernels[0])
        network.kernels = kernels
        var fused = Self.machine
        fused.execution = .fused
        #expect(Roofline(Self.machine).launches(of: network) == 3)
        #expect(Roofline(fused).launches(of: network) == 1)
        let eager = Roofline(Self.machine).milliseconds(of: network, batch: 1, processors: 10)
        let folded = Roofline(fused).milliseconds(of: network, batch: 1, processors: 10)
        #expect(eager > 2.9 * folded && folded > 0.001)
    }

    @Test("Latency never falls with the batch, and never rises with the processors")
    func monotone() throws {
        for preset in DevicePreset.all {
            for network in NetworkCost.known {
                let surface = preset.profile(of: network).surface
                let sizes = preset.device.allowedUnits
                for (place, units) in sizes.enumerated() {
                    var last = TimeSpan.zero
                    for batch in preset.batches {
                        let found = surface.latency(batch: batch, units: units)
                        let time = try #require(found)
                        #expect(time >= last, "\(preset.kind) \(network.name) \(batch)@\(units)")
                        last = time
                        guard place > 0 else { continue }
                        let narrow = try #require(
                            surface.latency(batch: batch, units: sizes[place - 1])
                        )
                        #expect(time <= narrow, "\(preset.kind) \(network.name) \(batch)@\(units)")
                    }
                }
            }
        }
    }
}
