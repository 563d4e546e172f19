public import ServerCore

/// What the core forecast.
extension Simulator {
    /// How good the core's forecast was so far. Allocates.
    public var forecastReport: ForecastReport { core.forecastReport }

    /// Runs a setup and says how good the forecast was.
    ///
    /// - Throws: `SimulationError` with the setup's flaw, or a name that there isn't.
    public static func run(
        forecasting setup: SimulationSetup
    ) throws(SimulationError) -> (ledger: Ledger, forecast: ForecastReport) {
        var simulator = try Simulator(setup)
        let ledger = simulator.run()
        return (ledger, simulator.forecastReport)
    }
}
