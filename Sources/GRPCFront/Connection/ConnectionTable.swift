import NIOCore
import ServerRuntime
import ServingDomain
import Synchronization

/// The open connections: counted, limited, and asked to end when the server does.
final class ConnectionTable: Sendable {
    private struct State {
        var channels: [ObjectIdentifier: any Channel] = [:]
        var isDraining = false
    }

    private let limit: Int
    private let state = Mutex(State())

    /// Creates a table of at most `limit` connections.
    init(limit: Int) {
        self.limit = limit
    }

    /// How many connections are open.
    var count: Int { state.withLock { $0.channels.count } }

    /// Enters a connection; false when it has to be closed.
    func admit(_ channel: any Channel) -> Bool {
        let key = ObjectIdentifier(channel)
        let isAdmitted = state.withLock { state in
            guard !state.isDraining, state.channels.count < limit else { return false }
            state.channels[key] = channel
            return true
        }
        guard isAdmitted else { return false }
        channel.closeFuture.whenComplete { _ in
            _ = self.state.withLock { $0.channels.removeValue(forKey: key) }
        }
        return true
    }

    /// Asks all connections to end, waits `patience` at most, and closes the rest.
    func drain(patience: TimeSpan) async {
        let open = state.withLock { state in
            state.isDraining = true
            return Array(state.channels.values)
        }
        for channel in open {
            channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        }
        let end = ServingRuntime.now() + patience
        while count > 0, ServingRuntime.now() < end {
            try? await Task.sleep(for: .milliseconds(10))
        }
        let left = state.withLock { Array($0.channels.values) }
        // All at once: with TLS each may wait for its client's farewell.
        for closing in left.map({ $0.close() }) { try? await closing.get() }
    }
}
