public import ServingDomain

/// One request and its reply, as a front holds them: the runtime moves tensors through it.
///
/// The lane thread calls `byteCount`, `gather`, `wants` and `scatter`, never after it reported
/// the batch; `finish` comes exactly once, from any thread, and, when it brings a result, after
/// the last `scatter`. A request that timed out may still be gathered or scattered: the bytes it
/// came with must stay as they are until the runtime lets go of the exchange.
public protocol InferenceExchange: AnyObject, Sendable {
    /// The bytes of an input in the wire's layout; 0 where the request does not bring it.
    func byteCount(input index: Int) -> Int

    /// Copies the whole of an input; `target` has exactly `byteCount(input:)` bytes.
    func gather(input index: Int, into target: UnsafeMutableRawBufferPointer)

    /// Whether the client asked for an output.
    func wants(output index: Int) -> Bool

    /// Takes this request's rows of an output.
    ///
    /// - Parameters:
    ///   - index: The output's place in the model's signature.
    ///   - shape: The request's own shape: `[items, ...]` for a batched model, else as it is.
    ///   - bytes: The rows in the wire's layout, lent for the call.
    func scatter(output index: Int, shape: [Int64], bytes: UnsafeRawBufferPointer)

    /// Ends the request. Whoever is to answer it need not be woken yet: `bell` is rung afterwards.
    func finish(_ ending: Ending)

    /// What wakes whoever answers the request; nil = `finish` has seen to that. Several requests
    /// that end together are told to the same bell by one ring.
    var bell: (any ReplyBell)? { get }
}

extension InferenceExchange {
    /// None: right for exchanges whose `finish` tells everybody.
    public var bell: (any ReplyBell)? { nil }
}

/// Wakes whoever answers requests that have ended, an event loop for instance.
public protocol ReplyBell: AnyObject, Sendable {
    /// Says that requests have ended since the last ring; any thread. Cheap when nobody need be
    /// woken.
    func ring()
}

/// How a request ended, with what its reply has to say.
public enum Ending: Hashable, Sendable {
    /// The results have been scattered. `predicted`: the latency forecast at launch, if any.
    case completed(late: Bool, predicted: TimeSpan?)
    /// The client's own timeout passed while it ran.
    case timedOut
    /// It would not have made it, or expired while it waited.
    case dropped(DropReason)
    /// Not admitted.
    case refused(Refusal)
    /// Not admitted: every device was lost; one line says which, and what to do.
    case noDevice(String)
    /// The engine failed; one line says why.
    case failed(String)
    /// The client had gone; nobody reads the answer.
    case cancelled
}

/// What a front says about a request when it submits it.
public struct Ticket: Hashable, Sendable {
    /// The items it brings.
    public var items: Int32
    /// The shapes of its inputs, rows only.
    public var shapes: InputShapes
    /// The priority that it asks for; 0 = none.
    public var priority: UInt64
    /// The timeout that it asks for, from its arrival; nil = none.
    public var timeout: TimeSpan?
    /// When its head had been read.
    public var arrival: Instant
    /// When it must have ended, in place of the model's own objective; nil = that holds.
    public var deadline: Instant?

    /// Creates a ticket.
    public init(
        items: Int32,
        shapes: InputShapes,
        priority: UInt64 = 0,
        timeout: TimeSpan? = nil,
        arrival: Instant,
        deadline: Instant? = nil
    ) {
        self.items = items
        self.shapes = shapes
        self.priority = priority
        self.timeout = timeout
        self.arrival = arrival
        self.deadline = deadline
    }
}
