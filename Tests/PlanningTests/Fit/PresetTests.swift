import RealModule
import ServingDomain
import Testing

@testable import Planning

/// The calibrated devices, held against what was published.
@Suite struct PresetTests {
    static let nine = GpuletsModel.all

    @Test("On all of an RTX 2080 Ti, batch 32 takes half of the ATC objective, whatever the knobs")
    func objective() throws {
        let preset = try DevicePreset.named("rtx-2080ti")
        for joining in [PresetKnobs.Joining.inKernels, .onHost] {
            for occupancy in [0.5, 1, 2] {
                let knobs = PresetKnobs(occupancy: occupancy, joining: joining)
                for model in Self.nine {
                    let network = try #require(NetworkCost.named(model.name))
                    let found = preset.profile(of: network, knobs: knobs).surface
                        .latency(batch: 32, units: 100)
                    let latency = try #require(found).inMilliseconds
                    #expect(abs(latency - model.atcMilliseconds / 2) < 1e-4, "\(model.name)")
                }
            }
        }
    }

    @Test("Networks that fill fewer processors lose less when their share shrinks")
    func occupancy() throws {
        let preset = try DevicePreset.named("rtx-2080ti")
        for model in Self.nine {
            let network = try #require(NetworkCost.named(model.name))
            var last = 0.0
            for occupancy in [0.5, 1, 2] {
                let surface =
                    preset.profile(of: network, knobs: PresetKnobs(occupancy: occupancy)).surface
                let narrow = try #require(surface.latency(batch: 4, units: 20)).inMilliseconds
                let wide = try #require(surface.latency(batch: 4, units: 100)).inMilliseconds
                #expect(narrow / wide >= last * 0.98, "\(model.name) at \(occupancy)")
                last = narrow / wide
            }
        }
    }

    @Test("Shares in per cent are processors rounded up, as MPS does it")
    func rounding() throws {
        let preset = try DevicePreset.named("rtx-2080ti")
        #expect([1, 20, 40, 50, 100].map { preset.processors(units: $0) } == [1, 14, 28, 34, 68])
    }

    @Test("Unknown devices and networks are named, with the nearest known one")
    func mistakes() throws {
        let device = #expect(throws: PlanError.self) { try DevicePreset.named("rtx2080ti") }
        #expect(device?.message.contains("rtx-2080ti") == true)
        let preset = try DevicePreset.named("l4")
        let network = #expect(throws: PlanError.self) { try preset.profiles(of: ["resnet51"]) }
        #expect(network?.message.contains("resnet50") == true)
    }

    @Test("A finer grain gives every multiple and lifts the limit on gpulets")
    func grain() throws {
        let preset = try DevicePreset.named("rtx-2080ti")
        let device = preset.device(id: DeviceID(3), name: "gpu3", grain: 5)
        #expect(device.allowedUnits.count == 20 && device.maxGpulets == 0)
        #expect(device.id == DeviceID(3) && device.kind == "rtx-2080ti")
        let network = try #require(NetworkCost.named("lenet"))
        let surface = preset.profile(of: network, grain: 5).surface
        #expect(surface.latency(batch: 1, units: 5) != nil)
        #expect(surface.latency(batch: 1, units: 4) == nil)
    }

    @Test("The published coefficients give the published example: ResNet-50 beside VGG-16, 1.14")
    func published() throws {
        let preset = try DevicePreset.named("rtx-2080ti")
        func load(_ name: String) throws -> ContentionLoad {
            let network = try #require(NetworkCost.named(name))
            let profile = preset.profile(of: network)
            return ContentionLoad(
                model: ModelID(0),
                batch: 8,
                utilization: profile.utilization(batch: 8),
                fraction: 0.5
            )
        }
        let linear = LinearContention.rtx2080ti
        let slowdown = linear.slowdown(of: try load("resnet50"), beside: try load("vgg16"))
        #expect(abs(slowdown - 1.14) < 0.015)
        #expect(
            linear.scaled(by: 0).slowdown(of: try load("vgg16"), beside: try load("vgg16")) == 1
        )
    }

    /// The published data hold mean kernel times of nine networks at ten batches on the 2080 Ti.
    /// With one factor for each network the roofline is off by 17 % (root mean square of the
    /// logarithm); the constants were fitted to these times, so this proves only that the code
    /// computes what was fitted.
    @Test("Mean kernel times of the RTX 2080 Ti, where the published file is at hand")
    func kernelTimes() throws {
        guard let lines = SharedFolder.lines(of: "glet/2080ti/UTIL.CSV") else { return }
        let preset = try DevicePreset.named("rtx-2080ti")
        let roofline = Roofline(preset.machine)
        var squares = 0.0
        var count = 0.0
        for model in Self.nine {
            let network = try #require(NetworkCost.named(model.name))
            let launches = Double(roofline.launches(of: network))
            var errors: [Double] = []
            for line in lines.dropFirst() {
                let words = line.split(separator: ",")
                guard NetworkCost.named(String(words[0]))?.name == model.name,
                    let batch = Int32(words[1]), let measured = Double(words[2])
                else { continue }
                let guess =
                    roofline.milliseconds(of: network, batch: batch, processors: 68) / launches
                errors.append(.log(guess / measured))
            }
            #expect(errors.count == 10, "\(model.name)")
            let mean = errors.reduce(0, +) / Double(errors.count)
            squares += errors.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
            count += Double(errors.count)
            let worst = errors.map { abs($0 - mean) }.max() ?? 0
            print(
                "\(model.name): factor \((.exp(-mean) * 100).rounded() / 100), worst "
                    + "\((worst * 100).rounded()) %"
            )
        }
        let error = (squares / count).squareRoot()
        print("root mean square of the logarithm: \(error)")
        #expect(error < 0.172)
    }

    @Test("Utilisations between the published batches, where the published file is at hand")
    func utilizations() throws {
        guard let lines = SharedFolder.lines(of: "glet/2080ti/UTIL.CSV") else { return }
        var worst = (l2: 0.0, dram: 0.0)
        var sum = (l2: 0.0, dram: 0.0, count: 0.0)
        for line in lines.dropFirst() {
            let words = line.split(separator: ",")
            let model = try #require(GpuletsModel.named(String(words[0])))
            let batch = try #require(Int32(words[1]))
            let l2 = try #require(Double(words[4])) / 100
            let dram = try #require(Double(words[5])) / 100
            let guess = model.load(batch: batch)
            worst = (max(worst.l2, abs(guess.l2 - l2)), max(worst.dram, abs(guess.dram - dram)))
            sum = (sum.l2 + abs(guess.l2 - l2), sum.dram + abs(guess.dram - dram), sum.count + 1)
        }
        print("L2 off by \(sum.l2 / sum.count), at worst \(worst.l2)")
        print("DRAM off by \(sum.dram / sum.count), at worst \(worst.dram)")
        #expect(worst.l2 < 0.12 && worst.dram < 0.15)
    }
}
