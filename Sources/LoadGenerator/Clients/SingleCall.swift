import NIOCore

/// One request on a connection of its own, for what is asked before and after the load.
final class SingleCall: ConnectionOwner {
    private let request: PreparedRequest
    private let promise: EventLoopPromise<Reply>
    private var isDone = false
    private var connection: (any WireConnection)?

    private init(_ request: PreparedRequest, _ promise: EventLoopPromise<Reply>) {
        self.request = request
        self.promise = promise
    }

    /// Asks, and waits for at most 30 s.
    static func ask(_ request: PreparedRequest, by connector: Connector) async throws -> Reply {
        let loop = connector.loop
        return try await loop.flatSubmit {
            let promise = loop.makePromise(of: Reply.self)
            let call = SingleCall(request, promise)
            connector.open(for: call) { call.end(.failure(LoadError($0))) }
            loop.assumeIsolated().scheduleTask(in: .seconds(30)) {
                call.end(
                    .failure(LoadError("\(connector.address.authority) gave no answer in 30 s"))
                )
            }
            return promise.futureResult
        }
        .get()
    }

    func hasRoom(_ connection: any WireConnection) {
        guard self.connection == nil else { return }
        self.connection = connection
        connection.send(request, for: Flight(lane: 0, intended: 0, isCounted: false))
    }

    func answered(_ flight: Flight, _ reply: Reply, on connection: any WireConnection) {
        end(.success(reply))
    }

    func lost(_ connection: any WireConnection, with flights: [Flight], reason: String) {
        end(.failure(LoadError(reason)))
    }

    private func end(_ result: Result<Reply, any Error>) {
        guard !isDone else { return }
        isDone = true
        _ = connection?.abandon()
        connection = nil
        promise.completeWith(result)
    }
}
