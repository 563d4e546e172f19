public import ServerCore
import ServingDomain
import VirtualDevices

/// What the core forecast, and what an oracle is told.
extension Simulator {
    /// How good the core's forecast was so far. Allocates.
    public var forecastReport: ForecastReport { core.forecastReport }

    /// Tells the core what will really happen (policy `oracle`).
    public mutating func revealTruth() {
        let devices = setup.devices
        guard let kind = devices.first?.kind else { return }
        core.reveal(
            SimulatedTruth(
                models: setup.models.map(\.truth),
                contention: setup.truths.first ?? NoContention(),
                kind: kind,
                noises: setup.models.enumerated().map { place, model in
                    VirtualCluster.noise(of: model.truth, at: place, seed: setup.seed)
                }
            )
        )
    }

    /// Runs a setup and says how good the forecast was.
    ///
    /// - Parameter isRevealed: Whether the core is told in advance what will really happen.
    /// - Throws: `SimulationError` with the setup's flaw, or a name that there isn't.
    public static func run(
        forecasting setup: SimulationSetup,
        isRevealed: Bool = false
    ) throws(SimulationError) -> (ledger: Ledger, forecast: ForecastReport) {
        var simulator = try Simulator(setup)
        if isRevealed { simulator.revealTruth() }
        let ledger = simulator.run()
        return (ledger, simulator.forecastReport)
    }
}

/// The ground truth of a simulation of whole devices of one kind, as a forecast can ask for it.
private struct SimulatedTruth: ForecastTruth {
    let models: [ModelTruth]
    let contention: any TrueContention
    let kind: String
    let noises: [LatencyNoise]

    func factor(of model: ModelID, draw: UInt64) -> Double {
        noises[model.position].factor(draw: draw)
    }

    func progress(of stages: [TrueStage], into rates: inout [Double]) {
        let running = stages.map { stage in
            let busy = models[stage.model.position].profile(on: kind)?
                .utilization(batch: stage.items)
            return RunningStage(
                load: ContentionLoad(
                    model: stage.model,
                    batch: stage.items,
                    utilization: busy ?? Utilization(batch: stage.items, sm: 0, l2: 0, dram: 0),
                    fraction: 1,
                    priority: stage.isHigh ? .high : .low
                ),
                lane: stage.model.index
            )
        }
        contention.progress(of: running, copies: 0, into: &rates)
    }
}
