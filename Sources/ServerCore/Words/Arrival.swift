public import ServingDomain

/// A request as the core sees it: numbers only, no tensors.
public struct Arrival: Hashable, Sendable {
    /// The driver's slot that holds the request.
    public var request: RequestID
    /// The model it asks for.
    public var model: ModelID
    /// How many items it brings (the size of its batch dimension), at least 1.
    public var items: Int32
    /// Only requests of equal shape share a batch.
    public var shape: ShapeKey
    /// The priority level, 1 the highest, within the model's levels.
    public var level: Int32
    /// When the head of the request had been read.
    public var arrival: Instant
    /// The earlier of objective and timeout; nil = none.
    public var deadline: Instant?
    /// When the client itself gives up; nil = never. Never earlier than `deadline`.
    public var timeout: Instant?

    /// Creates the core's view of one request.
    public init(
        request: RequestID,
        model: ModelID,
        items: Int32 = 1,
        shape: ShapeKey = ShapeKey(0),
        level: Int32 = 2,
        arrival: Instant,
        deadline: Instant? = nil,
        timeout: Instant? = nil
    ) {
        self.request = request
        self.model = model
        self.items = items
        self.shape = shape
        self.level = level
        self.arrival = arrival
        self.deadline = deadline
        self.timeout = timeout
    }

    /// The class that decides across models.
    public var priority: PriorityClass { PriorityClass(level: level) }
}
