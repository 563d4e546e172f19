/// A model that is a graph of other models, as its configuration describes it.
public struct EnsembleDefinition: Hashable, Sendable {
    /// A tensor of a step's model and the ensemble's own name for it.
    public struct Binding: Hashable, Sendable {
        /// The tensor as the model calls it.
        public var port: String
        /// The tensor as the ensemble calls it.
        public var tensor: String

        /// Creates a binding.
        public init(port: String, tensor: String) {
            self.port = port
            self.tensor = tensor
        }
    }

    /// One call of one model.
    public struct Step: Hashable, Sendable {
        /// The model's name.
        public var model: String
        /// The version that is to answer; nil = the latest.
        public var version: Int64?
        /// What the model gets.
        public var inputs: [Binding]
        /// What is kept of what it gives.
        public var outputs: [Binding]

        /// Creates a step.
        public init(model: String, version: Int64?, inputs: [Binding], outputs: [Binding]) {
            self.model = model
            self.version = version
            self.inputs = inputs
            self.outputs = outputs
        }
    }

    /// The most steps of an ensemble.
    public static let mostSteps = 64

    /// The steps in any order; tensors say which waits for which.
    public var steps: [Step]

    /// Creates a definition.
    public init(steps: [Step]) { self.steps = steps }
}
