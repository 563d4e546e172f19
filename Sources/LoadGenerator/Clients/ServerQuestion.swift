import NIOCore
import NIOPosix

/// Single questions to a server over HTTP, beside a load: statistics, plans, metrics, loading.
///
/// Each goes over a connection of its own and is answered within 30 s or fails.
public struct ServerQuestion: Sendable {
    /// What the server said.
    public struct Answer: Hashable, Sendable {
        /// The HTTP status.
        public var status: Int
        /// The body, up to 16 MiB of it.
        public var body: [UInt8]
        /// What it says of an error; empty with status 200.
        public var note: String
    }

    private let connector: Connector

    /// Prepares questions to `url`, such as `http://127.0.0.1:8000`.
    ///
    /// - Throws: `LoadError` where the address can't be read.
    public init(url: String) throws(LoadError) {
        connector = Connector(
            address: try ServerAddress(parsing: url, for: .http),
            transport: .http,
            loop: MultiThreadedEventLoopGroup.singleton.next()
        )
    }

    /// Asks for a path, such as `/v2/models/stats`.
    ///
    /// - Throws: `LoadError` where no answer comes; any status is an answer.
    public func get(_ path: String) async throws -> Answer {
        try await ask("GET \(path) HTTP/1.1\r\nHost: \(connector.address.authority)\r\n", [])
    }

    /// Sends a body to a path.
    ///
    /// - Throws: `LoadError` where no answer comes; any status is an answer.
    public func post(_ path: String, body: [UInt8] = []) async throws -> Answer {
        let head =
            "POST \(path) HTTP/1.1\r\nHost: \(connector.address.authority)\r\n"
            + "Content-Type: application/json\r\nContent-Length: \(body.count)\r\n"
        return try await ask(head, body)
    }

    private func ask(_ head: String, _ body: [UInt8]) async throws -> Answer {
        var bytes = ByteBuffer(
            string: head + "User-Agent: sluice-load\r\nConnection: close\r\n\r\n"
        )
        bytes.writeBytes(body)
        let request = PreparedRequest(bytes: bytes, headers: nil, keepsBody: true)
        let reply: Reply
        do {
            reply = try await SingleCall.ask(request, by: connector)
        } catch {
            throw error as? LoadError ?? LoadError("\(connector.address.authority): \(error)")
        }
        guard case .http(let status) = reply.code else {
            throw LoadError("\(connector.address.authority): \(reply.note)")
        }
        return Answer(status: status, body: reply.body, note: reply.note)
    }
}
