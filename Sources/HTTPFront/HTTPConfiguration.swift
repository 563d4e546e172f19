public import ServingDomain
public import Transport

/// How the HTTP front listens, and the limits that it holds clients to.
public struct HTTPConfiguration: Sendable {
    /// The address to listen on.
    public var host = "0.0.0.0"
    /// The port of the inference protocol; 0 = any free one.
    public var port = 8000
    /// The files for HTTPS; nil = plain HTTP. Metrics stay plain.
    public var tls: TLSFiles?
    /// The address of the metrics listener.
    public var metricsHost = "0.0.0.0"
    /// The port of `/metrics`; 0 = any free one, nil = no metrics listener.
    public var metricsPort: Int? = 8002
    /// The most bytes of a request's body, as sent and after decompression.
    public var maxInputSize = 64 << 20
    /// The most connections at once, both listeners together.
    public var maxConnections = 16_384
    /// The most bytes of a request's line and headers.
    public var maxHeaderBytes = 64 << 10
    /// How long a connection may stay without a request.
    public var idleTimeout = TimeSpan.seconds(120)
    /// How long a request's line and headers may take, and before them a TLS handshake.
    public var headTimeout = TimeSpan.seconds(15)
    /// How long a request's body may take.
    public var bodyTimeout = TimeSpan.seconds(120)
    /// How long a client may take to read a reply.
    public var writeTimeout = TimeSpan.seconds(60)
    /// How long a connection that is to be closed waits for the client to notice.
    public var lingerTimeout = TimeSpan.seconds(2)
    /// Whether errors carry Triton's status codes instead of ours.
    public var tritonCompatErrors = false
    /// What needs a key in a header (`--http-restricted-api`).
    public var restrictions: [APIRestriction] = []
    /// The endpoints that are there at all.
    public var allowed = Set(APIGroup.allCases)
    /// What `/v2` says the server's name is.
    public var serverName = "sluice"
    /// What `/v2` says the server's version is.
    public var serverVersion = "0.1.0"

    /// What servers of this kind can do beside the core of the protocol, over gRPC as well.
    public static let extensions = [
        "classification", "model_repository", "model_repository(unload_dependents)",
        "schedule_policy", "model_configuration", "system_shared_memory", "binary_tensor_data",
        "parameters", "statistics", "trace", "logging", "slo_deadline", "admission",
    ]

    /// The configuration of a server as it is installed.
    public init() {}

    /// How often a connection's timeouts are looked at.
    var tick: TimeSpan {
        let shortest =
            [headTimeout, bodyTimeout, writeTimeout, lingerTimeout, idleTimeout]
            .map(\.nanoseconds).min() ?? 1_000_000_000
        return TimeSpan(nanoseconds: min(5_000_000_000, max(5_000_000, shortest / 4)))
    }
}

/// Groups of endpoints, by Triton's names for restricting them.
public enum APIGroup: String, Hashable, Sendable, CaseIterable {
    /// `/v2/health`, and a model's `ready`.
    case health
    /// `/v2` and a model's metadata.
    case metadata
    /// `infer`.
    case inference
    /// System and CUDA shared memory.
    case sharedMemory = "shared-memory"
    /// `config`.
    case modelConfig = "model-config"
    /// The repository's index, load and unload.
    case modelRepository = "model-repository"
    /// `stats`.
    case statistics
    /// Trace settings.
    case trace
    /// Log settings.
    case logging
}

/// Endpoints that answer only to requests with a certain header.
public struct APIRestriction: Hashable, Sendable {
    /// The endpoints.
    public var groups: Set<APIGroup>
    /// The header's name.
    public var header: String
    /// The value it must have.
    public var value: String

    /// Creates a restriction.
    public init(groups: Set<APIGroup>, header: String, value: String) {
        self.groups = groups
        self.header = header
        self.value = value
    }

    /// Reads Triton's form, `api[,api]:header=value`.
    ///
    /// - Throws: `HTTPFrontError` naming the word that is not known.
    public init(flag: String) throws(HTTPFrontError) {
        guard let colon = flag.firstIndex(of: ":"),
            let equals = flag[colon...].firstIndex(of: "="),
            flag.index(after: colon) < equals
        else {
            throw HTTPFrontError(
                "restricted API '\(flag)' is not understood; write api[,api]:header=value"
            )
        }
        var groups: Set<APIGroup> = []
        for word in flag[..<colon].split(separator: ",") {
            guard let group = APIGroup(rawValue: String(word)) else {
                let known = APIGroup.allCases.map(\.rawValue).joined(separator: ", ")
                throw HTTPFrontError("restricted API '\(word)' is unknown; there are \(known)")
            }
            groups.insert(group)
        }
        self.groups = groups
        header = String(flag[flag.index(after: colon)..<equals])
        value = String(flag[flag.index(after: equals)...])
    }
}

/// Why the front could not start: one line with the next step.
public struct HTTPFrontError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What, the limit, the next step.
    public let message: String

    /// Creates an error from its one line.
    public init(_ message: String) { self.message = message }

    /// The one line.
    public var description: String { message }
}
