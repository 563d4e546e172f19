import Foundation

/// What a measurement depends on beside the model: the processor, the cores, the engine.
public enum HostFingerprint {
    /// One line such as `AMD EPYC 9B45, 2 cores, onnxruntime 1.31.1`.
    public static func of(cores: Int, engine: String) -> String {
        "\(processor()), \(cores) cores, \(engine)"
    }

    /// The processor's name and numbers as the system gives them; `cpu` where it doesn't say.
    static func processor(
        _ information: String? = try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)
    ) -> String {
        var words: [String] = []
        for key in ["model name", "cpu family", "model\t"] {
            let line = information?.split(separator: "\n").first { $0.hasPrefix(key) }
            guard let value = line?.split(separator: ":", maxSplits: 1).dropFirst().first else {
                continue
            }
            words.append(value.trimmingCharacters(in: .whitespaces))
        }
        return words.isEmpty ? "cpu" : words.joined(separator: " ")
    }
}
