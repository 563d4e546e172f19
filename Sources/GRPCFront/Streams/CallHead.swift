import NIOHPACK
import ServingDomain

/// What the headers of a call say, as far as the server looks at them.
struct CallHead {
    /// The method; nil where the path leads nowhere.
    var method: Method?
    /// The path, for messages.
    var path = ""
    /// How long the client waits, from now; nil = no limit.
    var timeout: TimeSpan?
    /// How the client's messages are compressed; nil for a word that is not known here.
    var encoding: MessageEncoding? = .identity
    /// How replies are compressed.
    var replyEncoding = MessageEncoding.identity
    /// Whether a failed request of a stream ends the stream with a true status.
    var wantsTrueStatus = false
    /// Whether the reply is to say the predicted latency.
    var wantsPrediction = false
    /// Why this is no call at all; nil where it is one.
    var refusal: HeadRefusal?

    /// A head that is no gRPC call.
    enum HeadRefusal: Hashable {
        /// Answered with HTTP 405.
        case badVerb
        /// Answered with HTTP 415.
        case badContentType
        /// Answered with a status.
        case status(Status)
    }

    /// Reads the headers once, in their order. Cost: no allocation for the usual ones.
    init(_ headers: HPACKHeaders) {
        var isPost = false
        var isGRPC = false
        var accepted: String?
        for (name, value, _) in headers {
            switch name {
            case ":method": isPost = value == "POST"
            case ":path":
                path = value
                method = Method(path: value)
            case "content-type": isGRPC = Self.isGRPC(value)
            case "grpc-timeout":
                timeout = TimeoutHeader.parse(value)
                if timeout == nil { refuse("grpc-timeout", value, "at most 8 digits and a unit") }
            case "grpc-encoding": encoding = MessageEncoding(name: value)
            case "grpc-accept-encoding": accepted = value
            case "triton_grpc_error": wantsTrueStatus = value == "true"
            case "sluice-predict": wantsPrediction = value == "1"
            default: break
            }
        }
        if !isPost {
            refusal = .badVerb
        } else if !isGRPC {
            refusal = .badContentType
        }
        // A client that packs its requests wants packed replies.
        if let encoding, encoding != .identity, let accepted, encoding.isListed(in: accepted) {
            replyEncoding = encoding
        }
    }

    private mutating func refuse(_ name: String, _ value: String, _ rule: String) {
        refusal = .status(
            Status(.invalidArgument, "header \(name) is '\(value.prefix(64))'; it must be \(rule)")
        )
    }

    /// `application/grpc`, alone or with `+proto` or a parameter behind it.
    private static func isGRPC(_ value: String) -> Bool {
        if value == "application/grpc" { return true }
        return value.hasPrefix("application/grpc+proto") || value.hasPrefix("application/grpc;")
    }
}
