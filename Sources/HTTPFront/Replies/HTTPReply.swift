import OpenInference

/// A whole reply of an endpoint that is not inference.
struct HTTPReply: Sendable {
    /// The status.
    var status = 200
    /// What the body is.
    var contentType: StaticString = "application/json"
    /// The body.
    var body: [UInt8] = []
    /// Further header lines, each with its line end.
    var lines: [UInt8] = []

    /// A reply of JSON.
    static func json(_ write: (inout JSONWriter) -> Void) -> HTTPReply {
        var writer = JSONWriter()
        write(&writer)
        return HTTPReply(body: writer.bytes)
    }

    /// The reply to an error.
    static func error(_ error: WireError, compat: Bool) -> HTTPReply {
        var reply = HTTPReply(body: error.json)
        reply.status = compat ? error.kind.tritonHTTPStatus : error.kind.httpStatus
        switch error.kind {
        case .overloaded, .unavailable: reply.add("Retry-After", "1")
        default: break
        }
        return reply
    }

    /// Adds a header line. The value must not hold line ends.
    mutating func add(_ name: StaticString, _ value: String) {
        name.withUTF8Buffer { lines.append(contentsOf: $0) }
        lines.append(contentsOf: [UInt8(ascii: ":"), UInt8(ascii: " ")])
        lines.append(contentsOf: value.utf8)
        lines.append(contentsOf: [0x0D, 0x0A])
    }
}
