/// How messages are compressed (`grpc-encoding`).
enum MessageEncoding: UInt8, Hashable, Sendable {
    case identity
    case gzip
    /// The zlib format, as gRPC and HTTP both call it.
    case deflate

    /// What the server offers in `grpc-accept-encoding`.
    static let offered = "identity,deflate,gzip"

    /// The word in the header.
    var name: String {
        switch self {
        case .identity: "identity"
        case .gzip: "gzip"
        case .deflate: "deflate"
        }
    }

    /// The encoding that the header calls `name`; nil for one that is not known here.
    init?(name: String) {
        switch name {
        case "identity", "": self = .identity
        case "gzip": self = .gzip
        case "deflate": self = .deflate
        default: return nil
        }
    }

    /// Whether a `grpc-accept-encoding` list names this encoding.
    func isListed(in list: String) -> Bool {
        list.utf8.split(separator: UInt8(ascii: ",")).contains { part in
            let trimmed = part.drop { $0 == UInt8(ascii: " ") }
            return trimmed.elementsEqual(name.utf8)
        }
    }
}
