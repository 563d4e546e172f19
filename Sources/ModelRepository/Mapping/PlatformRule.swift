/// Which engine a configuration asks for.
enum PlatformRule {
    /// The word that clients see in metadata.
    static let platform = "onnxruntime_onnx"
    /// The word for a model that calls others.
    static let ensemble = "ensemble"
    /// The backend's name.
    static let backend = "onnxruntime"
    /// The model's file when nothing else is said.
    static let defaultFile = "model.onnx"

    /// Refuses everything but ONNX Runtime and ensembles.
    static func check(_ config: ConfigMessage, _ findings: inout Findings) {
        let platform = config.string("platform")
        let backend = config.string("backend")
        let next =
            "only ONNX Runtime is served (platform: \"\(Self.platform)\" or "
            + "backend: \"\(Self.backend)\"); export the model to ONNX"
        if platform == ensemble || backend == ensemble || config.has("ensemble_scheduling") {
            guard config.has("ensemble_scheduling") else {
                return findings.error(
                    "platform",
                    "is an ensemble without ensemble_scheduling; add its steps",
                    at: config.position("platform")
                )
            }
            guard platform.isEmpty || platform == ensemble else {
                return findings.error(
                    "platform",
                    "'\(platform)' has ensemble_scheduling; write platform: \"ensemble\"",
                    at: config.position("platform")
                )
            }
        } else if !platform.isEmpty, platform != Self.platform {
            findings.refused(
                "platform",
                "'\(platform)': \(next)",
                at: config.position("platform")
            )
        } else if !backend.isEmpty, backend != Self.backend {
            findings.refused("backend", "'\(backend)': \(next)", at: config.position("backend"))
        }
    }

    /// The file's name in each version folder.
    static func file(_ config: ConfigMessage) -> String {
        let name = config.string("default_model_filename")
        return name.isEmpty ? defaultFile : name
    }
}
