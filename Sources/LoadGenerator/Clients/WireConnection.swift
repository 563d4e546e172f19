/// A connection that takes requests. It lives on one event loop, as its owner does.
protocol WireConnection: AnyObject {
    /// How many more requests it can take now; 0 also when it is closed or not ready yet.
    var room: Int { get }

    /// Whether it takes no more requests for good.
    var isClosing: Bool { get }

    /// Whether the owner has it in its list of connections with room; the owner's own mark.
    var isListed: Bool { get set }

    /// Sends a request; `room` must be at least 1.
    func send(_ request: PreparedRequest, for flight: Flight)

    /// Closes at once and hands back what is still out; the owner hears nothing more of it.
    func abandon() -> [Flight]
}

/// Who hears of a connection's requests.
protocol ConnectionOwner: AnyObject {
    /// The connection can take requests, or can take more.
    func hasRoom(_ connection: any WireConnection)

    /// A request was answered. `hasRoom` does not follow: look at `room`.
    func answered(_ flight: Flight, _ reply: Reply, on connection: any WireConnection)

    /// The connection is gone, and with it the answers to `flights`.
    func lost(_ connection: any WireConnection, with flights: [Flight], reason: String)
}
