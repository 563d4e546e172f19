/// The status line and headers of a reply, written as bytes.
struct ReplyHead {
    /// The status.
    var status: Int
    /// What the body is.
    var contentType: StaticString
    /// The body's length in bytes.
    var contentLength: Int
    /// Whether the connection stays open afterwards.
    var keepsAlive: Bool
    /// Whether an HTTP/1.0 client must be told that it stays open.
    var isHTTP10: Bool

    /// Appends the head, the empty line included.
    ///
    /// - Parameter lines: Further header lines, each with its line end.
    func append(to bytes: inout [UInt8], lines: [UInt8]) {
        append("HTTP/1.1 ", to: &bytes)
        append(number: status, to: &bytes)
        append(" ", to: &bytes)
        append(Self.reason(status), to: &bytes)
        append("\r\nContent-Type: ", to: &bytes)
        append(contentType, to: &bytes)
        append("\r\nContent-Length: ", to: &bytes)
        append(number: contentLength, to: &bytes)
        append("\r\n", to: &bytes)
        bytes.append(contentsOf: lines)
        if !keepsAlive {
            append("Connection: close\r\n", to: &bytes)
        } else if isHTTP10 {
            append("Connection: keep-alive\r\n", to: &bytes)
        }
        append("\r\n", to: &bytes)
    }

    private func append(_ text: StaticString, to bytes: inout [UInt8]) {
        bytes.append(
            contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        )
    }

    private func append(number: Int, to bytes: inout [UInt8]) {
        ReplyHead.append(number: number, to: &bytes)
    }

    /// Appends a whole number from zero.
    static func append(number: Int, to bytes: inout [UInt8]) {
        let begin = bytes.count
        var rest = number
        repeat {
            bytes.append(UInt8(ascii: "0") + UInt8(rest % 10))
            rest /= 10
        } while rest > 0
        bytes[begin...].reverse()
    }

    private static func reason(_ status: Int) -> StaticString {
        switch status {
        case 200: "OK"
        case 400: "Bad Request"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 413: "Content Too Large"
        case 417: "Expectation Failed"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        case 505: "HTTP Version Not Supported"
        default: "Unknown"
        }
    }
}
