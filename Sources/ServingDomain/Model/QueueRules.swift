/// What a queue does with work that waits too long or finds it full (Triton's queue policy).
public struct QueueRules: Hashable, Sendable {
    /// What happens when the time in the queue is up.
    public enum TimeoutAction: UInt8, Hashable, Sendable {
        /// The request is dropped.
        case reject
        /// The request goes behind all that have not timed out.
        case delay
    }

    /// What happens when the time in the queue is up.
    public var timeoutAction: TimeoutAction
    /// How long a request may wait; nil = for ever.
    public var timeout: TimeSpan?
    /// Whether a request's own timeout may lower `timeout`.
    public var allowsOverride: Bool
    /// The most requests that may wait; 0 = only the server's own bound holds.
    public var maxSize: Int32

    /// No timeout, no bound but the server's own.
    public static let standard = QueueRules(
        timeoutAction: .reject,
        timeout: nil,
        allowsOverride: false,
        maxSize: 0
    )

    /// Creates the rules of one queue.
    public init(
        timeoutAction: TimeoutAction,
        timeout: TimeSpan?,
        allowsOverride: Bool,
        maxSize: Int32
    ) {
        self.timeoutAction = timeoutAction
        self.timeout = timeout
        self.allowsOverride = allowsOverride
        self.maxSize = maxSize
    }
}

/// How requests of a model are put together (config.pbtxt `dynamic_batching`).
public struct BatchingRules: Hashable, Sendable {
    /// Whether requests of different clients may share a batch.
    public var dynamic: Bool
    /// Sizes at which `fifo` starts at once, ascending; empty = any.
    public var preferredSizes: [Int32]
    /// How long `fifo` may hold a batch back to let it grow.
    public var maxQueueDelay: TimeSpan
    /// Whether replies must leave in the order of arrival.
    public var preserveOrdering: Bool
    /// Whether config.pbtxt is to be obeyed to the letter, whatever the planner thinks.
    public var fixed: Bool

    /// Batches of whatever waits, without delay.
    public static let standard = BatchingRules(dynamic: true)

    /// Creates batching rules.
    public init(
        dynamic: Bool,
        preferredSizes: [Int32] = [],
        maxQueueDelay: TimeSpan = .zero,
        preserveOrdering: Bool = false,
        fixed: Bool = false
    ) {
        self.dynamic = dynamic
        self.preferredSizes = preferredSizes
        self.maxQueueDelay = maxQueueDelay
        self.preserveOrdering = preserveOrdering
        self.fixed = fixed
    }
}
