import ServingDomain

/// The one word that stands for planner, scaler and policy (design, section 4).
public enum SystemName {
    /// The three layers.
    public struct Layers: Hashable, Sendable {
        /// By name, options included.
        public var planner: String, scaler: String, policy: String

        /// Creates the layers.
        public init(planner: String, scaler: String, policy: String) {
            self.planner = planner
            self.scaler = scaler
            self.policy = policy
        }
    }

    /// The words that there are.
    public static let words = table.map(\.word)

    /// What a word stands for; nil for a word that there isn't.
    public static func layers(of word: String) -> Layers? {
        table.first { $0.word == word }?.layers
    }

    private static let table: [(word: String, layers: Layers)] = [
        ("triton", Layers(planner: "whole", scaler: "none", policy: "fifo")),
        ("temporal", Layers(planner: "temporal", scaler: "none", policy: "duty")),
        ("gpulets", Layers(planner: "elastic", scaler: "none", policy: "duty")),
        ("clipper", Layers(planner: "whole", scaler: "clipper", policy: "fifo")),
        ("dnnscaler", Layers(planner: "whole", scaler: "dnnscaler", policy: "fifo")),
        ("edf", Layers(planner: "whole", scaler: "none", policy: "edf")),
        ("clockwork", Layers(planner: "whole", scaler: "none", policy: "clockwork")),
        ("preemptive", Layers(planner: "whole", scaler: "none", policy: "preemptive")),
        ("strait", Layers(planner: "whole", scaler: "none", policy: "strait")),
        (
            "confluence",
            Layers(planner: "confluence", scaler: "confluence", policy: "confluence")
        ),
    ]
}
