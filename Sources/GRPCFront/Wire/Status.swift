/// The status codes of gRPC.
enum StatusCode: Int, Hashable, Sendable {
    case ok = 0
    case cancelled = 1
    case unknown = 2
    case invalidArgument = 3
    case deadlineExceeded = 4
    case notFound = 5
    case alreadyExists = 6
    case permissionDenied = 7
    case resourceExhausted = 8
    case failedPrecondition = 9
    case aborted = 10
    case outOfRange = 11
    case unimplemented = 12
    case internalError = 13
    case unavailable = 14
    case dataLoss = 15
    case unauthenticated = 16
}

/// How a call ends: a code, and one line for the client where it isn't `ok`.
struct Status: Error, Hashable, Sendable {
    /// The code that the trailers carry.
    var code: StatusCode
    /// What happened, the limit, the next step; empty for `ok`.
    var message: String

    /// The end of a call that went well.
    static let ok = Status(.ok, "")

    /// Creates a status.
    init(_ code: StatusCode, _ message: String) {
        self.code = code
        self.message = message
    }
}
