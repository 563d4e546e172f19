import ServerCore
import ServingDomain

/// What was predicted against what came, for those who ask whether forecasts can be trusted.
extension MetricsText {
    /// Predictions by part: whole batches by class, and what co-runners cost.
    mutating func writeForecast(_ report: ForecastReport) {
        let parts: [(String, PredictionScore)] = [
            ("batch_high", report.total.high), ("batch_low", report.total.low),
            ("transfer", report.total.transfer), ("run", report.total.run),
            ("interference", report.total.learned),
        ]
        family("sluice_forecast_predictions_total", "counter", "Predictions held against reality")
        for (part, score) in parts {
            line("sluice_forecast_predictions_total{part=\"\(part)\"}", Double(score.count))
        }
        family(
            "sluice_forecast_relative_error_sum",
            "counter",
            "Sum of |predicted - actual| / actual; divide by the predictions"
        )
        for (part, score) in parts {
            line("sluice_forecast_relative_error_sum{part=\"\(part)\"}", score.absolute)
        }
        family(
            "sluice_forecast_relative_bias_sum",
            "counter",
            "Sum of (predicted - actual) / actual; below zero when batches take longer"
        )
        for (part, score) in parts {
            line("sluice_forecast_relative_bias_sum{part=\"\(part)\"}", score.signed)
        }
        family("sluice_forecast_coverage", "gauge", "Part of safe forecasts that held, by class")
        for (name, coverage) in [("high", report.high), ("low", report.low)] {
            line("sluice_forecast_coverage{priority=\"\(name)\"}", coverage.covered)
        }
        family("sluice_forecast_ignored_total", "counter", "Measured times that can't be right")
        line("sluice_forecast_ignored_total", Double(report.ignored))
    }
}
