public import ServingDomain
import Synchronization

/// One version of one model that answers requests, as fronts see it.
public final class Servable: Sendable {
    /// The model's place in the core.
    public let id: ModelID
    /// Name, version, batching, priorities, objective.
    public let spec: ModelSpec
    /// The tensors that clients see.
    public let signature: ModelSignature
    /// The engine's platform word.
    public let platform: String
    /// The whole configuration as the wire's JSON object.
    public let configJSON: [UInt8]
    /// The same as a serialized `inference.ModelConfig`.
    public let configBytes: [UInt8]
    /// What has been counted for this version.
    public let statistics: ModelStatistics
    /// Labels that its metrics carry beside name and version.
    public let metricTags: [String: String]
    let shapeKeys: ShapeKeys
    /// How long `id` is this model's.
    let tenure: Tenure
    /// The steps of an ensemble; nil for a model that an engine runs.
    let wiring: EnsembleWiring?

    init(
        spec: ModelSpec,
        definition: ModelDefinition,
        platform: String,
        statistics: ModelStatistics,
        tenure: Tenure = Tenure(),
        wiring: EnsembleWiring? = nil
    ) {
        self.id = spec.id
        self.spec = spec
        self.signature = definition.signature
        self.platform = platform
        self.configJSON = definition.configJSON
        self.configBytes = definition.configBytes
        self.statistics = statistics
        self.tenure = tenure
        metricTags = definition.metricTags
        shapeKeys = ShapeKeys(definition.signature)
        self.wiring = wiring
    }
}

/// Whether a version still has its number in the core; shared by all that it was called since it
/// was loaded.
///
/// A front may hold a `Servable` for as long as a request's body takes to arrive. Meanwhile its
/// version may have gone, and its number may be another model's.
final class Tenure: Sendable {
    private let over = Atomic<Bool>(false)

    /// Whether it has ended.
    var isOver: Bool { over.load(ordering: .relaxed) }

    /// Ends it; under the core's lock, like the look that decides where a request goes.
    func end() { over.store(true, ordering: .relaxed) }
}

/// Nothing was handed over: the version has gone.
struct TenureOver: Error {}

/// Why a name does not lead to a model that answers.
public enum LookupFailure: Error, Hashable, Sendable {
    /// No model of that name was ever loaded.
    case unknownModel
    /// The model is there, that version is not.
    case unknownVersion
    /// It is there, but loading, unloading or failed; one line says which.
    case notReady(String)
}

/// One line of the repository index.
public struct IndexEntry: Hashable, Sendable {
    /// Where a model stands.
    public enum State: String, Hashable, Sendable {
        /// Answers requests.
        case ready = "READY"
        /// Does not; the reason says why.
        case unavailable = "UNAVAILABLE"
        /// Is being read and warmed.
        case loading = "LOADING"
        /// Finishes its last requests.
        case unloading = "UNLOADING"
    }

    /// The model's name.
    public var name: String
    /// The version; nil for a model that was never loaded.
    public var version: Int64?
    /// Where it stands; nil for a model that was never loaded.
    public var state: State?
    /// Why it is unavailable; empty otherwise.
    public var reason: String

    /// Creates a line.
    public init(name: String, version: Int64?, state: State?, reason: String) {
        self.name = name
        self.version = version
        self.state = state
        self.reason = reason
    }
}
