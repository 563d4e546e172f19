public import ServingDomain
import Workloads

/// What to send, where to, and for how long.
public struct LoadConfiguration: Hashable, Sendable {
    /// How the server is spoken to.
    public enum Transport: String, Hashable, Sendable, CaseIterable {
        /// HTTP/1.1 with kept connections.
        case http
        /// gRPC over HTTP/2 without TLS.
        case grpc
    }

    /// How tensors travel over HTTP; gRPC always sends them raw.
    public enum Payload: String, Hashable, Sendable, CaseIterable {
        /// As bytes behind the JSON head (`binary_tensor_data`).
        case binary
        /// As numbers within the JSON.
        case json
        /// In system shared memory of this machine; requests name it
        /// (`system_shared_memory`).
        case shared
    }

    /// What the inputs hold.
    public enum InputData: Hashable, Sendable {
        /// Seeded numbers: floats within [0, 1), integers within 0..<128, short words for BYTES.
        case random
        /// Zeros; empty words for BYTES.
        case zero
        /// All inputs one after the other, in the order of the metadata, in the wire's layout.
        case bytes([UInt8])
    }

    /// The server, such as `http://127.0.0.1:8000`; scheme and port may be left out.
    public var url: String
    /// How the server is spoken to.
    public var transport: Transport
    /// How tensors travel over HTTP.
    public var payload: Payload = .binary
    /// The models to ask, at least one.
    public var models: [ModelLoad]
    /// How long to measure, after the warm-up; nil = to the end of the longest trace.
    public var duration: TimeSpan?
    /// How long to send before anything is counted.
    public var warmUp: TimeSpan = .seconds(1)
    /// How long to wait at the end for answers that are still out.
    public var drain: TimeSpan = .seconds(10)
    /// The most connections; nil = one per client of a closed loop, else as many as are needed
    /// (HTTP) or 4 (gRPC).
    public var connections: Int?
    /// The most requests that may be out at once, those that wait for a connection included.
    /// What goes beyond in an open loop is not sent, and reported as such.
    public var maxInFlight: Int = 1_024
    /// The most requests in all.
    public var requestLimit: Int = 1_000_000_000
    /// Whole shapes of inputs by name, for inputs that leave dimensions free.
    public var shapes: [String: [Int64]] = [:]
    /// What the inputs hold.
    public var data: InputData = .random
    /// The seed of arrivals and of random data.
    public var seed: UInt64 = 1

    /// Creates a configuration with the defaults above.
    public init(
        url: String,
        transport: Transport = .http,
        models: [ModelLoad],
        duration: TimeSpan?
    ) {
        self.url = url
        self.transport = transport
        self.models = models
        self.duration = duration
    }
}

extension LoadConfiguration {
    /// The most models in one load.
    public static let modelLimit = 64
    /// The most connections.
    public static let connectionLimit = 16_384
    /// The longest warm-up, duration or drain.
    public static let timeLimit = TimeSpan.seconds(7 * 24 * 3_600)

    /// Refuses what can't be run, with one line that says why.
    public func check() throws(LoadError) {
        guard (1...Self.modelLimit).contains(models.count) else {
            throw LoadError("\(models.count) models given; a load takes 1 to \(Self.modelLimit)")
        }
        for model in models {
            if let flaw = model.process.flaw { throw LoadError("model '\(model.name)': \(flaw)") }
        }
        if duration == nil, models.contains(where: { $0.process.lastTime == nil }) {
            throw LoadError("no duration given; only a trace ends by itself: add --duration")
        }
        for (name, span) in [
            ("duration", duration ?? .zero), ("warm-up", warmUp), ("drain", drain),
        ] {
            guard span >= .zero, span <= Self.timeLimit else {
                throw LoadError("\(name) \(span.inSeconds) s is outside 0 to 7 days")
            }
        }
        if let connections, !(1...Self.connectionLimit).contains(connections) {
            throw LoadError("\(connections) connections; the limit is 1...\(Self.connectionLimit)")
        }
        guard maxInFlight >= max(1, clients), maxInFlight <= 1 << 20 else {
            throw LoadError(
                "max in flight \(maxInFlight) is outside \(max(1, clients)) (the clients of the"
                    + " closed loop) to \(1 << 20)"
            )
        }
        guard payload != .shared || transport == .http else {
            throw LoadError("the payload shared is for HTTP only; use binary")
        }
        guard requestLimit >= 1 else { throw LoadError("the request limit must be at least 1") }
    }

    /// The clients of all closed loops together.
    var clients: Int {
        models.reduce(0) { $0 + ($1.process.clients ?? 0) }
    }
}
