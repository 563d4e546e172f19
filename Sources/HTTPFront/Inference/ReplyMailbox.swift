import NIOCore
import Synchronization

/// Where exchanges that have ended wait for their event loop.
///
/// However many end at once, the loop is woken once: a batch's replies take one hop.
final class ReplyMailbox: Sendable {
    private struct State {
        var waiting: [HTTPExchange] = []
        var isScheduled = false
    }

    private let loop: any EventLoop
    private let state = Mutex(State())

    init(_ loop: any EventLoop) { self.loop = loop }

    /// Takes an exchange that has ended; any thread.
    func put(_ exchange: HTTPExchange) {
        let wakes = state.withLock { state in
            state.waiting.append(exchange)
            defer { state.isScheduled = true }
            return !state.isScheduled
        }
        if wakes { loop.execute { self.deliver() } }
    }

    private func deliver() {
        let ended = state.withLock { state in
            state.isScheduled = false
            let ended = state.waiting
            state.waiting = []
            return ended
        }
        for exchange in ended { exchange.connection.value.deliver(exchange) }
    }
}
