import NIOCore
import ServerRuntime
import Synchronization

/// Where finished requests wait for their event loop; one per loop.
///
/// However many requests of a batch finish, the loop is woken once and each connection is
/// flushed once.
final class ReplyMailbox: ReplyBell {
    private struct State {
        var posts: [InferExchange] = []
        var spare: [InferExchange] = []
        var isScheduled = false
    }

    private let loop: any EventLoop
    private let state = Mutex(State())

    /// Creates the mailbox of a loop.
    init(_ loop: any EventLoop) {
        self.loop = loop
    }

    /// Brings a request that has ended; any thread. `ring` must follow.
    func post(_ exchange: InferExchange) {
        state.withLock { $0.posts.append(exchange) }
    }

    func ring() {
        let mustSchedule = state.withLock { state in
            guard !state.isScheduled, !state.posts.isEmpty else { return false }
            state.isScheduled = true
            return true
        }
        if mustSchedule { loop.execute { self.deliver() } }
    }

    /// Hands all posts to their connections. On the loop only.
    private func deliver() {
        var posts = state.withLock { state in
            state.isScheduled = false
            let posts = state.posts
            state.posts = state.spare
            state.spare = []
            return posts
        }
        var touched: [ConnectionHandler] = []
        for exchange in posts {
            let connection = exchange.connection
            connection.deliver(exchange)
            if connection.markTouched() { touched.append(connection) }
        }
        for connection in touched { connection.endTouch() }
        posts.removeAll(keepingCapacity: posts.capacity <= 4_096)
        state.withLock { $0.spare = posts }
    }
}
