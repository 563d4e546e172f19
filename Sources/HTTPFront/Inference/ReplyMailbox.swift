import NIOCore
import ServerRuntime
import Synchronization

/// Where exchanges that have ended wait for their event loop.
///
/// However many end at once, the loop is woken once: a batch's replies take one hop.
final class ReplyMailbox: ReplyBell {
    private struct State {
        var waiting: [HTTPExchange] = []
        var isScheduled = false
    }

    private let loop: any EventLoop
    private let state = Mutex(State())

    init(_ loop: any EventLoop) { self.loop = loop }

    /// Takes an exchange that has ended; any thread. `ring` must follow.
    func put(_ exchange: HTTPExchange) {
        state.withLock { $0.waiting.append(exchange) }
    }

    func ring() {
        let wakes = state.withLock { state in
            guard !state.isScheduled, !state.waiting.isEmpty else { return false }
            state.isScheduled = true
            return true
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
