import ServingDomain
import ServingTestKit

/// Random worlds for tests of `confluence`.
extension PlanningWorld {
    /// Models with objectives from 5 to 200 ms that want about `load` of `count` devices.
    static func random(
        _ dice: inout SeededGenerator,
        models: Int,
        devices count: Int32,
        load: Double
    ) -> PlanningWorld {
        var world = PlanningWorld(devices: count, maxGpulets: dice.one(of: [0, 0, 2, 3, 7]))
        if dice.chance(50) { world.contention = published }
        for number in 0..<models {
            let slo = dice.one(of: [5.0, 10, 20, 44, 66, 95, 130, 200])
            let share = Double(count) * load * (0.1 + 1.2 * dice.fraction()) / Double(models)
            world.add(
                "m\(number)",
                rate: share * 64_000 / slo,
                sloMs: slo,
                busy: dice.fraction() * 0.6,
                memoryMiB: Int64(dice.number(in: 0...400))
            )
            world.models[number].percentile = dice.one(of: [99, 99, 99, 95, 99.9])
            if dice.chance(20) {
                world.models[number].priorities = PriorityRules(levels: 2, defaultLevel: 1)
            }
        }
        return world
    }

    /// gpu-lets' five models with the objectives of arXiv.
    static func five(_ rates: [Double], devices: Int32 = 4, maxGpulets: Int32 = 2) -> PlanningWorld
    {
        var world = PlanningWorld(devices: devices, maxGpulets: maxGpulets)
        let models = [
            ("lenet", 5.0), ("googlenet", 44), ("resnet50", 95), ("ssd", 136), ("vgg16", 130),
        ]
        for (model, rate) in zip(models, rates) where rate > 0 {
            world.add(model.0, rate: rate, sloMs: model.1, busy: model.0 == "lenet" ? 0.1 : 0.4)
        }
        return world
    }
}
