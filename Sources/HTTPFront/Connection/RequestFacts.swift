import NIOHTTP1
import ServingDomain

/// What a request's line and headers say that the server acts on, found in one pass.
struct RequestFacts: Sendable {
    /// How a body is compressed.
    enum Encoding: Hashable, Sendable { case identity, gzip, deflate, unknown }

    /// When the head had been read.
    let arrival: Instant
    let method: HTTPMethod
    private(set) var keepsAlive: Bool
    let isHTTP10: Bool
    private(set) var contentLength: Int?
    private(set) var encoding = Encoding.identity
    /// How the reply may be compressed; identity = not at all.
    private(set) var accepted = Encoding.identity
    private(set) var expectsContinue = false
    /// An expectation that can't be met.
    private(set) var expectsOther = false
    /// `Inference-Header-Content-Length`; negative where it is no number.
    private(set) var inferenceHeader: Int?
    private(set) var wantsPrediction = false
    private(set) var traceparent: String?
    /// In which format the reply is to say how busy the server is.
    private(set) var loadFormat: LoadMetrics.Format?

    init(_ head: HTTPRequestHead, arrival: Instant) {
        self.arrival = arrival
        method = head.method
        isHTTP10 = head.version.major == 1 && head.version.minor == 0
        keepsAlive = !isHTTP10
        for (name, value) in head.headers {
            // The length tells nearly all of them apart.
            switch name.utf8.count {
            case 6 where matches(name, "expect"): readExpectation(value)
            case 7 where matches(name, "upgrade"): keepsAlive = false
            case 10 where matches(name, "connection"): readConnection(value)
            case 11 where matches(name, "traceparent"):
                if value.utf8.count <= 128 { traceparent = value }
            case 14:
                if matches(name, "content-length") {
                    contentLength = Int(value)
                } else if matches(name, "sluice-predict") {
                    wantsPrediction = value == "1" || value == "true"
                }
            case 15 where matches(name, "accept-encoding"): accepted = Self.accepted(value)
            case 16 where matches(name, "content-encoding"): encoding = Self.encoding(value)
            case 28 where matches(name, "endpoint-load-metrics-format"):
                loadFormat = LoadMetrics.Format(value)
            case 31 where matches(name, "inference-header-content-length"):
                inferenceHeader = value.utf8.first == UInt8(ascii: "+") ? -1 : Int(value) ?? -1
            default: break
            }
        }
        if method == .CONNECT { keepsAlive = false }
    }

    private mutating func readExpectation(_ value: String) {
        if matches(value, "100-continue") { expectsContinue = true } else { expectsOther = true }
    }

    private mutating func readConnection(_ value: String) {
        for word in value.utf8.split(separator: UInt8(ascii: ",")) {
            let trimmed = Substring(word).trimmingSpaces
            if matches(trimmed, "close") {
                keepsAlive = false
            } else if isHTTP10, matches(trimmed, "keep-alive") {
                keepsAlive = true
            }
        }
    }

    private static func encoding(_ value: String) -> Encoding {
        switch value.lowercased() {
        case "", "identity": .identity
        case "gzip", "x-gzip": .gzip
        case "deflate": .deflate
        default: .unknown
        }
    }

    /// The first of gzip and deflate that the client takes.
    private static func accepted(_ value: String) -> Encoding {
        for item in value.utf8.split(separator: UInt8(ascii: ",")) {
            let parts = item.split(separator: UInt8(ascii: ";"))
            guard let first = parts.first else { continue }
            let word = Substring(first).trimmingSpaces
            let refused = parts.dropFirst().contains { part in
                let weight = Substring(part).trimmingSpaces
                return weight == "q=0" || weight == "q=0.0" || weight == "q=0.00"
                    || weight == "q=0.000"
            }
            guard !refused else { continue }
            if matches(word, "gzip") { return .gzip }
            if matches(word, "deflate") { return .deflate }
        }
        return .identity
    }
}

/// Whether two words are the same but for the case of ASCII letters; `lower` is in lower case.
func matches(_ word: some StringProtocol, _ lower: StaticString) -> Bool {
    guard word.utf8.count == lower.utf8CodeUnitCount else { return false }
    var offset = 0
    for byte in word.utf8 {
        let folded = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
        guard folded == lower.utf8Start[offset] else { return false }
        offset += 1
    }
    return true
}

extension Substring {
    /// Without spaces and tabs at both ends.
    fileprivate var trimmingSpaces: Substring {
        var rest = drop { $0 == " " || $0 == "\t" }
        while let last = rest.last, last == " " || last == "\t" { rest.removeLast() }
        return rest
    }
}
