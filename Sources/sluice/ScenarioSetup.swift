import Documents
import ServerCore
import ServingDomain
import Simulation
import VirtualDevices
import Workloads

/// A scenario file's values in the simulator's words.
enum ScenarioSetup {
    static func setup(_ scenario: ScenarioDocument) -> SimulationSetup {
        var setup = SimulationSetup(
            devices: scenario.devices,
            models: scenario.models.map { spec in
                SimulatedModel(spec, truth: ModelTruth(of: spec, spread: scenario.noise.spread))
            },
            loads: scenario.loads.map(load),
            duration: scenario.duration
        )
        setup.seed = scenario.seed
        setup.warmUp = scenario.warmUp
        setup.graphs = scenario.graphs.map { Simulation.GraphLoad($0.graph, $0.arrivals) }
        setup.plans = .planner(scenario.planner)
        setup.scaler = scenario.scaler
        setup.policy = scenario.policy
        setup.beliefs = scenario.contention
        setup.truths = truths(of: scenario)
        setup.faults = scenario.faults.map(fault)
        setup.epochs = scenario.epochs.map(rules)
        setup.declared = declared(by: scenario)
        return setup
    }

    private static func load(_ load: ScenarioDocument.Load) -> RequestLoad {
        RequestLoad(
            load.model,
            load.arrivals,
            level: load.priority.map { $0 == .high ? 1 : 2 },
            items: load.items,
            timeout: load.timeout,
            slo: load.slo
        )
    }

    private static func fault(_ fault: ScenarioDocument.Fault) -> Fault {
        let kind: Fault.Kind =
            switch fault.kind {
            case .lost(let device): .deviceLost(device)
            case .slow(let device, let milli): .slowDevice(device, milli: milli)
            case .failedLoad(let model): .failedLoad(model)
            case .hangs(let model): .hangingEngine(model)
            case .deaf(let model): .deafEngine(model)
            }
        return Fault(kind, at: .zero + fault.at, duration: fault.duration)
    }

    private static func rules(_ epochs: ScenarioDocument.Epochs) -> EpochRules {
        var rules: EpochRules = epochs.rules == .gpulets ? .gpulets : .standard
        if let every = epochs.every { rules.period = every }
        return rules
    }

    /// The rates that the first plan is made for. Where a model says none, what its loads have on
    /// average counts; the simulator works the same out where nobody says any.
    private static func declared(by scenario: ScenarioDocument) -> [Int64]? {
        guard scenario.declared.contains(where: { $0 != nil }) else { return nil }
        return scenario.declared.enumerated().map { place, given in
            if let given { return given }
            var rate = 0.0
            for load in scenario.loads where load.model.position == place {
                rate += load.arrivals.meanRate ?? 0
            }
            for load in scenario.graphs {
                let stages = load.graph.stages.filter { $0.model.position == place }.count
                rate += Double(stages) * (load.arrivals.meanRate ?? 0)
            }
            return Int64((rate * 1_000).rounded())
        }
    }

    private static func truths(of scenario: ScenarioDocument) -> [any TrueContention] {
        let noise = scenario.noise
        switch noise.contention {
        case .none: return []
        case .described:
            return scenario.devices.map { device in
                let told = scenario.contention.first { $0.kind == device.kind }?.model ?? .none
                return ModelledContention(told)
            }
        case .saturating:
            let truth = SaturatingContention(
                models: scenario.models.map(\.name),
                seed: scenario.seed,
                strength: noise.strength
            )
            return scenario.devices.map { _ in truth }
        }
    }
}
