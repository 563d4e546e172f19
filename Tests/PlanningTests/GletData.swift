import Foundation
import Planning
import ServingDomain

/// What gpu-lets' authors measured, read from the folder beside the checkout; it is not ours to
/// ship, so tests that need it skip where it is not there.
struct GletData {
    /// Milliseconds of batch 1, 2, ... to put inputs of a shape together on the host.
    let small: [Float], images: [Float], large: [Float]
    /// By model: rows of (batch, L2, memory), ascending.
    let utilization: [String: [Utilization]]
    let contention: ContentionModel

    static let models: [(name: String, sloMs: Double, memoryMiB: Int64, bytes: Int64)] = [
        ("lenet1", 5, 50, 3_136), ("googlenet", 66, 1_720, 602_112),
        ("resnet50", 108, 1_820, 602_112), ("ssd-mobilenetv1", 202, 640, 1_080_000),
        ("vgg16", 142, 2_920, 602_112), ("mnasnet1_0", 62, 1_550, 602_112),
        ("mobilenet_v2", 64, 464, 602_112), ("densenet161", 202, 1_220, 602_112),
        ("bert", 22, 500, 112),
    ]

    /// The folder, or nil where it is not there.
    static var folder: String? {
        var candidates: [String] = []
        if let path = ProcessInfo.processInfo.environment["SLUICE_SHARED"] {
            candidates += ["\(path)/data/glet", "\(path)/glet"]
        }
        let checkout = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        candidates.append("/\(checkout)/../shared/data/glet")
        return candidates.first { FileManager.default.fileExists(atPath: "\($0)/2080ti/UTIL.CSV") }
    }

    init?() {
        guard let folder = Self.folder else { return nil }
        func lines(_ file: String) -> [[Substring]] {
            let text = (try? String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8)) ?? ""
            return text.split(whereSeparator: \.isNewline).map { $0.split(separator: ",") }
        }
        func host(_ file: String, _ factor: Double) -> [Float] {
            lines(file).compactMap { Float($0[1]) }.map { Float(factor * Double($0)) }
        }
        // LeNet's tensors take 0.4 ms and BERT's 1 ms whatever the batch (notes, 1.2).
        small = [0.4]
        images = host("3_224_224.txt", 1.9)
        large = host("3_300_300.txt", 2.5)
        var rows: [String: [Utilization]] = [:]
        for line in lines("2080ti/UTIL.CSV").dropFirst() {
            guard let batch = Int32(line[1]), let l2 = Double(line[4]), let dram = Double(line[5])
            else { continue }
            let name = line[0] == "lenet" ? "lenet1" : String(line[0])
            rows[name, default: []].append(
                Utilization(batch: batch, sm: 0, l2: l2 / 100, dram: dram / 100)
            )
        }
        utilization = rows.mapValues { $0.sorted { $0.batch < $1.batch } }
        let weights = lines("2080ti/INT_MODEL_CONSTANT.CSV").last?.compactMap { Double($0) } ?? []
        guard weights.count == 5 else { return nil }
        contention = .linear(
            LinearContention(
                l2Self: weights[0],
                l2Other: weights[1],
                dramSelf: weights[2],
                dramOther: weights[3],
                constant: weights[4]
            )
        )
    }

    func host(of model: String) -> HostBatching {
        let cost: [Float]
        switch model {
        case "lenet1": cost = small
        case "bert": cost = [1]
        case "ssd-mobilenetv1": cost = large
        default: cost = images
        }
        return HostBatching(model: model, milliseconds: cost)
    }

    /// Demand for `gpus` devices of 11,000 MiB with the synthetic table of section 7.2.
    func inputs(_ demand: [(name: String, rate: Double, sloMs: Double?)], gpus: Int32) -> PlanInputs
    {
        var world = PlanningWorld(devices: gpus, memoryMiB: 11_000)
        for (name, rate, slo) in demand {
            guard let known = Self.models.first(where: { $0.name == name }) else { continue }
            // The table follows from the usual objective, whatever is asked for here.
            world.add(
                name,
                rate: rate,
                sloMs: known.sloMs,
                memoryMiB: known.memoryMiB
            )
            let last = world.models.count - 1
            world.models[last].slo = .milliseconds(rounding: slo ?? known.sloMs)
            world.models[last].inputBytes = known.bytes
            world.models[last].profiles[0].utilization = utilization[name] ?? []
        }
        world.contention = contention
        return world.inputs
    }
}

extension Plan {
    /// `gpu:size model batch duty`, the form of the notes' golden vectors; `EMPTY` if something
    /// is unserved.
    var asGoldenVector: [String] {
        guard schedulable else { return ["EMPTY"] }
        return devices.flatMap { device in
            device.gpulets.flatMap { gpulet in
                gpulet.lanes.map { lane in
                    let duty = ((gpulet.dutyCycle?.inMilliseconds ?? 0) * 100).rounded() / 100
                    return "\(device.device.index):\(gpulet.units) \(lane.model.index)"
                        + " \(lane.batchLimit) \(duty)"
                }
            }
        }
    }
}
