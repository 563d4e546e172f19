/// Why a request is answered with an error: the kind that decides the code, and one line.
public struct WireError: Error, Hashable, Sendable {
    /// What kind of failure it is.
    public var kind: Kind
    /// One line: what happened, the limit, the next step.
    public var message: String

    /// The most characters of a message; names that clients send may be of any length.
    public static let maxMessage = 1_024

    /// Creates an error. What clients sent may stand in the message: control characters become
    /// spaces, and what is beyond `maxMessage` is cut.
    public init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = Self.oneLine(message)
    }

    private static func oneLine(_ message: String) -> String {
        let isPlain = message.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
        guard !isPlain || message.utf8.count > maxMessage else { return message }
        let space: UnicodeScalar = " "
        var line = String.UnicodeScalarView()
        for scalar in message.unicodeScalars.prefix(maxMessage) {
            line.append(scalar.value < 0x20 || scalar.value == 0x7F ? space : scalar)
        }
        return String(line)
    }

    /// The kinds of failure, each with its codes on both wires.
    public enum Kind: UInt8, Hashable, Sendable, CaseIterable {
        /// A value that does not fit: shape, type, name, batch size.
        case invalidArgument
        /// Bytes that are no JSON or protobuf, or whose lengths lie; members that are missing, or
        /// values of the wrong kind or number, where Triton answers as to a fault of its own.
        case malformed
        /// More bytes than may be sent.
        case tooLarge
        /// No such model, version, region or path.
        case notFound
        /// A name that is taken.
        case alreadyExists
        /// Something that this server does not do.
        case unsupported
        /// A restricted endpoint without its key.
        case forbidden
        /// A verb that the path does not take.
        case methodNotAllowed
        /// A fault of the server.
        case internalFault
        /// Not ready, draining, or no room in the request table.
        case unavailable
        /// The model's queue or its admission refuses.
        case overloaded
        /// The deadline can't be met or has passed.
        case deadlineMissed
        /// The client has gone.
        case cancelled
    }
}

extension WireError.Kind {
    /// The HTTP status (design, section 4).
    public var httpStatus: Int {
        switch self {
        case .invalidArgument, .malformed, .alreadyExists, .cancelled: 400
        case .forbidden: 403
        case .notFound: 404
        case .methodNotAllowed: 405
        case .tooLarge: 413
        case .overloaded: 429
        case .internalFault: 500
        case .unsupported: 501
        case .unavailable: 503
        case .deadlineMissed: 504
        }
    }

    /// The HTTP status that Triton gives, for `--triton-compat-errors`.
    public var tritonHTTPStatus: Int {
        switch self {
        case .malformed: 500
        case .tooLarge: 400
        case .overloaded, .deadlineMissed: 503
        default: httpStatus
        }
    }

    /// The gRPC status code (design, section 4).
    public var grpcStatus: Int {
        switch self {
        case .cancelled: 1
        case .invalidArgument, .malformed, .tooLarge: 3
        case .deadlineMissed: 4
        case .notFound: 5
        case .alreadyExists: 6
        case .overloaded: 8
        case .unsupported, .methodNotAllowed: 12
        case .internalFault: 13
        case .unavailable, .forbidden: 14
        }
    }

    /// The gRPC status code that Triton gives, for `--triton-compat-errors`.
    public var tritonGRPCStatus: Int {
        switch self {
        case .overloaded, .deadlineMissed: 14
        default: grpcStatus
        }
    }
}

extension WireError {
    /// The body of an error reply, `{"error":"..."}`.
    public var json: [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("error")
        writer.string(message)
        writer.endObject()
        return writer.bytes
    }
}
