import NIOHTTP2
import OpenInference
import ServerRuntime
import ServingDomain

/// One inference over gRPC, as the runtime holds it.
///
/// The request's bytes stay in the buffers that the socket was read into and are copied once, at
/// gather; results are copied once, at scatter, behind the reply that is being written.
final class InferExchange: InferenceExchange, @unchecked Sendable {
    // Safe: field by field. What is `let` never changes. What is marked "loop" is only
    // touched on the connection's event loop. `reply` and `failure` are touched by the lane
    // thread until it calls `finish`, and by the loop only after a `.completed` ending, which
    // comes after the last `scatter`. `ending` is written once, by `finish`, before the mailbox's
    // lock hands it to the loop.

    /// The model's version that answers.
    let servable: Servable
    /// What the core is told.
    let ticket: Ticket
    /// The client's own name for the request.
    let name: String
    /// Whether the reply goes into a stream of replies.
    let isStreamed: Bool
    /// The stream that waits for the reply.
    let stream: HTTP2StreamID
    /// The connection that waits for it. Loop.
    let connection: ConnectionHandler
    /// The runtime's name for the request; nil before it is known. Loop.
    var request: RequestID?
    /// Whether the end has reached the loop. Loop.
    var isDelivered = false
    /// Bytes that count in the budget for as long as this lives. Loop.
    var heldBytes = 0

    private let message: Message
    private let bound: BoundRequest
    private let views: SharedViews
    private let wantsPrediction: Bool
    private let budget: ByteBudget
    private let mailbox: ReplyMailbox
    private var reply: InferReply
    private var failure: Status?
    private var ending: Ending?

    /// Creates the exchange of a request that has been held against its model.
    init(
        _ plan: InferPlan,
        message: Message,
        for stream: CallStream,
        on connection: ConnectionHandler
    ) {
        self.message = message
        self.connection = connection
        self.stream = stream.id
        isStreamed = stream.head.method == .modelStreamInfer
        servable = plan.servable
        ticket = plan.ticket
        name = plan.name
        bound = plan.bound
        views = plan.views
        wantsPrediction = plan.wantsPrediction
        budget = connection.shared.budget
        mailbox = connection.mailbox
        reply = InferReply(plan, isStreamed: isStreamed)
    }

    deinit {
        budget.give(heldBytes)
    }

    // MARK: Lane thread

    func byteCount(input index: Int) -> Int {
        bound.byteCount(input: index)
    }

    func gather(input index: Int, into target: UnsafeMutableRawBufferPointer) {
        switch bound.sources[index] {
        case .body(let range): message.copy(range, to: target)
        case .element(let range):
            target.storeBytes(of: UInt32(range.count).littleEndian, as: UInt32.self)
            message.copy(range, to: UnsafeMutableRawBufferPointer(rebasing: target[4...]))
        case .converted(let bytes): target.copyBytes(from: bytes)
        case .shared:
            guard let view = views.inputs[index] else { return }
            target.copyMemory(from: UnsafeRawBufferPointer(view.bytes))
        case nil: break
        }
    }

    func wants(output index: Int) -> Bool {
        bound.place(output: index) != nil
    }

    func scatter(output index: Int, shape: [Int64], bytes: UnsafeRawBufferPointer) {
        guard let place = bound.place(output: index) else { return }
        let wanted = bound.outputs[place]
        let spec = servable.signature.outputs[index]
        if let range = wanted.shared {
            guard let view = views.outputs[index], bytes.count <= view.bytes.count else {
                failure = Status(
                    .invalidArgument,
                    "output '\(spec.name)' has \(bytes.count) bytes, its part of region"
                        + " '\(range.region)' \(range.byteSize); register a larger one"
                )
                return
            }
            view.bytes.copyMemory(from: bytes)
            reply.append(shared: range, of: spec, shape: shape, byteCount: bytes.count)
        } else if wanted.classes > 0 {
            let ranked = Classification.rank(
                bytes,
                type: spec.type,
                shape: shape,
                batched: servable.signature.batched,
                classes: wanted.classes,
                labels: spec.labels
            )
            ranked.bytes.withUnsafeBytes {
                reply.append(spec.name, .bytes, shape: ranked.shape, $0)
            }
        } else {
            reply.append(spec.name, spec.type, shape: shape, bytes)
        }
    }

    /// Ends the request; any thread, once.
    func finish(_ ending: Ending) {
        self.ending = ending
        mailbox.post(self)
    }

    var bell: (any ReplyBell)? { mailbox }

    // MARK: Loop, after the end was delivered

    /// The reply, or why there is none.
    func result(statuses: StatusMap) -> Result<ReplyMessage, Status> {
        guard let ending else {
            return .failure(Status(.internalError, "the request has not ended"))
        }
        guard case .completed = ending else { return .failure(statuses.status(ending)) }
        if let failure { return .failure(failure) }
        return .success(reply.finished())
    }

    /// What the trailers of the reply say.
    var metadata: ReplyMetadata {
        guard case .completed(let late, let predicted) = ending else { return .none }
        return ReplyMetadata(
            isLate: late,
            isEmulated: servable.isEmulated,
            predicted: wantsPrediction ? predicted : nil
        )
    }
}

extension Servable {
    /// Whether answers come from an emulated device.
    fileprivate var isEmulated: Bool { platform == "sluice_emulated" }
}
