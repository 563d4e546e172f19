import Foundation

/// Where a server listens.
struct ServerAddress: Hashable, Sendable {
    var host: String
    var port: Int

    /// `host:port`, with brackets around an IPv6 address.
    var authority: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// Reads `[scheme://]host[:port][/]`; the port is 8000 for HTTP and 8001 for gRPC by default.
    init(parsing url: String, for transport: LoadConfiguration.Transport) throws(LoadError) {
        var rest = url[...]
        if let mark = url.range(of: "://") {
            let scheme = url[..<mark.lowerBound].lowercased()
            rest = url[mark.upperBound...]
            guard scheme != "https", scheme != "grpcs" else {
                throw LoadError("'\(url)' asks for TLS, which the load generator does not speak")
            }
            guard scheme == "http" || scheme == "grpc" else {
                throw LoadError("'\(url)': unknown scheme '\(scheme)'; use http:// or grpc://")
            }
        }
        if rest.last == "/" { rest = rest.dropLast() }
        guard !rest.isEmpty, !rest.contains(where: { $0 == "/" || $0 == "?" || $0 == "@" }),
            !rest.contains(where: { $0.isWhitespace || !$0.isASCII })
        else { throw LoadError("'\(url)' is not of the form [http://]HOST[:PORT]") }
        var portText: Substring?
        if rest.first == "[", let close = rest.firstIndex(of: "]") {
            host = String(rest[rest.index(after: rest.startIndex)..<close])
            let tail = rest[rest.index(after: close)...]
            portText = tail.first == ":" ? tail.dropFirst() : (tail.isEmpty ? nil : tail)
        } else {
            let halves = rest.split(separator: ":", omittingEmptySubsequences: false)
            guard halves.count <= 2 else {
                throw LoadError("'\(url)': put an IPv6 address in brackets, as in [::1]:8000")
            }
            host = String(halves[0])
            portText = halves.count == 2 ? halves[1] : nil
        }
        port = transport == .http ? 8_000 : 8_001
        if let portText {
            guard let number = Int(portText), (1...65_535).contains(number) else {
                throw LoadError("'\(url)': port '\(portText)' is outside 1...65535")
            }
            port = number
        }
        guard !host.isEmpty else { throw LoadError("'\(url)' names no host") }
    }
}
