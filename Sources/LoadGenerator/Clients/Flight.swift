import ServingDomain

/// A request from the moment it is meant to be sent to its answer.
struct Flight {
    /// The model's place in the load.
    var lane: Int
    /// When it was meant to be sent; latency counts from here.
    var intended: Int64
    /// Whether it belongs to the measured part.
    var isCounted: Bool
}

/// How a request was answered.
struct Reply: Hashable, Sendable {
    /// What the server said.
    enum Code: Hashable, Sendable {
        /// An HTTP status.
        case http(Int)
        /// A gRPC status.
        case grpc(Int)
        /// Nothing: the connection broke, or the wait was given up.
        case lost
    }

    /// What the server said.
    var code: Code
    /// Whether the server marked a result as late.
    var isLate = false
    /// What it said of an error, or why there is no answer.
    var note = ""
    /// The body, where the request wanted it.
    var body: [UInt8] = []

    /// How the request ended, by the table of design section 4.
    var outcome: Outcome {
        switch code {
        case .http(200), .grpc(0): isLate ? .late : .served
        case .http(504), .grpc(4): .dropped
        case .http(429), .http(503), .grpc(8), .grpc(14): .refused
        case .http(499), .grpc(1): .cancelled
        case .http, .grpc, .lost: .failed
        }
    }

    /// The kind of an error, for its heading.
    var kind: String {
        switch code {
        case .http(let status): "HTTP \(status)"
        case .grpc(let status): "gRPC \(status)"
        case .lost: "no answer"
        }
    }
}
