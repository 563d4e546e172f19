public import ServingDomain

/// Where models come from; `ModelRepository` reads Triton's folders.
///
/// All calls may block on files; the runtime makes them on its loading thread.
public protocol ModelSource: Sendable {
    /// The names of all models there, sorted.
    func names() throws(SourceError) -> [String]

    /// Reads a model's configuration and finds the versions that are to be served.
    ///
    /// - Parameters:
    ///   - name: The model.
    ///   - override: Configuration and files that a client sent along with its load request.
    ///   - inspect: Loads a version's file and tells what it declares, for configurations that
    ///     leave tensors out; the engine's work is kept, so asking costs nothing extra.
    func read(
        _ name: String,
        override: LoadOverride?,
        inspect: (ModelArtifact) throws(EngineError) -> DeclaredSignature
    ) throws(SourceError) -> ModelDefinition

    /// A value that changes when the model's files change; for poll mode.
    func fingerprint(_ name: String) throws(SourceError) -> UInt64
}

/// What a client sent along with a load request.
public struct LoadOverride: Hashable, Sendable {
    /// A ModelConfig as JSON; nil = the folder's own.
    public var config: String?
    /// Files by `<version>/<name>`, instead of the folder's own.
    public var files: [String: [UInt8]]

    /// Creates an override.
    public init(config: String?, files: [String: [UInt8]] = [:]) {
        self.config = config
        self.files = files
    }
}

/// A model as its source describes it, all versions that are to be served.
public struct ModelDefinition: Hashable, Sendable {
    /// The model's name.
    public var name: String
    /// The rules, with `id` and `version` still to be set.
    public var rules: ModelSpec
    /// The tensors that clients see.
    public var signature: ModelSignature
    /// The versions to serve, ascending, with what to load.
    public var versions: [ModelArtifact]
    /// The whole configuration, defaults included, as the wire's JSON object.
    public var configJSON: [UInt8]
    /// The same as a serialized `inference.ModelConfig`.
    public var configBytes: [UInt8]
    /// Batch sizes and values to warm up with, beside those that the runtime warms anyway.
    public var warmups: [Warmup]
    /// Labels that the metrics of this model carry beside its name and version.
    public var metricTags: [String: String]
    /// The models that it calls, where it is an ensemble; such versions have no file.
    public var ensemble: EnsembleDefinition?

    /// Creates a definition.
    public init(
        name: String,
        rules: ModelSpec,
        signature: ModelSignature,
        versions: [ModelArtifact],
        configJSON: [UInt8],
        configBytes: [UInt8],
        warmups: [Warmup] = [],
        metricTags: [String: String] = [:],
        ensemble: EnsembleDefinition? = nil
    ) {
        self.name = name
        self.rules = rules
        self.signature = signature
        self.versions = versions
        self.configJSON = configJSON
        self.configBytes = configBytes
        self.warmups = warmups
        self.metricTags = metricTags
        self.ensemble = ensemble
    }
}

/// One entry of config.pbtxt's `model_warmup`.
public struct Warmup: Hashable, Sendable {
    /// The entry's name, for messages.
    public var name: String
    /// Items in the batch.
    public var batch: Int32
    /// How often to run it.
    public var count: Int32
    /// By input in the signature's order: shape of one row and the bytes of one row.
    public var inputs: [Input]

    /// One tensor of a warm-up.
    public struct Input: Hashable, Sendable {
        /// The dimensions of one row.
        public var dims: [Int64]
        /// The bytes of one row in the wire's layout.
        public var bytes: [UInt8]

        /// Creates one tensor.
        public init(dims: [Int64], bytes: [UInt8]) {
            self.dims = dims
            self.bytes = bytes
        }
    }

    /// Creates a warm-up.
    public init(name: String, batch: Int32, count: Int32, inputs: [Input]) {
        self.name = name
        self.batch = batch
        self.count = count
        self.inputs = inputs
    }
}

/// Why a model could not be read.
public struct SourceError: Error, Hashable, Sendable {
    /// The kinds that fronts answer differently.
    public enum Kind: UInt8, Hashable, Sendable {
        /// There is no such model.
        case notFound
        /// Its configuration or files are wrong.
        case invalid
        /// It asks for something that is not supported.
        case unsupported
        /// The files could not be read.
        case unreadable
    }

    /// What kind of failure it is.
    public var kind: Kind
    /// One line: what, the limit, the next step.
    public var message: String

    /// Creates an error.
    public init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }
}
