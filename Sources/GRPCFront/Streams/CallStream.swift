import NIOCore
import NIOHTTP2
import ServingDomain
import WireMessages

/// One call on a connection: what has come of it, what runs for it, what has been answered.
///
/// Lives on its connection's event loop.
final class CallStream {
    /// Its stream.
    let id: HTTP2StreamID
    /// What its headers said.
    let head: CallHead
    /// When its headers had been read.
    let arrival: Instant
    /// The bytes that have come and are not a message yet.
    var assembler: MessageAssembler
    /// The one message of a unary call, until the call is made.
    var message: Message?
    /// Bytes of this call's messages that count in the budget.
    var heldBytes = 0
    /// What the client may still send, with what is on its way to it.
    var window: Int
    /// Bytes by which `window` has been opened without the client having been told yet.
    var untoldWindow = 0

    /// Whether the client has ended its side.
    var inputEnded = false
    /// Whether a unary call has been made.
    var isCalled = false
    /// Whether the head of the reply has been written.
    var headWritten = false
    /// Whether the end of the reply has been written; it may still wait for the client to read.
    var outputEnded = false
    /// Bytes of the reply that wait for the client to read.
    var queuedBytes = 0
    /// When the end of the reply was written, for the limit on how long it may wait.
    var outputEndTime: Instant?

    /// The request of a unary inference, while it runs.
    var exchange: InferExchange?
    /// The answers of a stream of inferences that are still owed, in request order.
    var owed: [StreamedAnswer] = []
    /// What was last said to a watcher of the health state.
    var watched: WatchedHealth?

    /// Creates a call whose headers have come.
    init(
        id: HTTP2StreamID,
        head: CallHead,
        arrival: Instant,
        configuration: GRPCConfiguration
    ) {
        self.id = id
        self.head = head
        self.arrival = arrival
        window = configuration.streamWindow
        assembler = MessageAssembler(limit: configuration.maxMessageBytes)
    }

    /// How long the client waits from `now` on; nil = no limit.
    func timeout(at now: Instant) -> TimeSpan? {
        guard let timeout = head.timeout else { return nil }
        return max(.zero, timeout - (now - arrival))
    }
}

/// An answer that a stream of inferences still owes.
enum StreamedAnswer {
    /// The request runs, or has ended and waits for those before it.
    case running(InferExchange)
    /// The request never ran.
    case failed(Status, id: String)
}

/// A health state that a client watches.
struct WatchedHealth {
    /// The name that it asked for; empty = the server.
    var service: String
    /// What it was last told.
    var told: Grpc_Health_V1_HealthCheckResponse.ServingStatus
}
