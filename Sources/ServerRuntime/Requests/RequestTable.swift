import ServingDomain

/// The requests that are here, each in a slot; the core knows them by slot and generation.
///
/// Claiming and freeing are O(1) and allocate nothing.
struct RequestTable {
    /// What the driver keeps of one request.
    struct Slot {
        var generation: UInt32 = 0
        var exchange: (any InferenceExchange)?
        var servable: Servable?
        var shapes: InputShapes?
        var items: Int32 = 0
        var level: Int32 = 0
        var arrival = Instant.zero
        var deadline: Instant?
        var expected: Instant?
        var launched = false
    }

    private var slots: [Slot]
    private var free: [Int32]

    init(capacity: Int32) {
        slots = Array(repeating: Slot(), count: Int(capacity))
        free = (0..<capacity).reversed()
    }

    var capacity: Int { slots.count }
    var used: Int { slots.count - free.count }

    /// Takes a slot for a request; nil when all are taken.
    mutating func claim(_ contents: Slot) -> RequestID? {
        guard let place = free.popLast() else { return nil }
        let generation = slots[Int(place)].generation &+ 1
        slots[Int(place)] = contents
        slots[Int(place)].generation = generation
        return RequestID(slot: place, generation: generation)
    }

    /// Whether the request is still here.
    func holds(_ request: RequestID) -> Bool {
        let slot = slots[Int(request.slot)]
        return slot.generation == request.generation && slot.exchange != nil
    }

    /// Notes that the request's batch was launched, and when it is to end.
    mutating func launched(_ request: RequestID, expected: Instant?) {
        slots[Int(request.slot)].expected = expected
        slots[Int(request.slot)].launched = true
    }

    /// What the table keeps of a request that is here.
    subscript(_ request: RequestID) -> Slot {
        slots[Int(request.slot)]
    }

    /// Frees the slot of a request and hands out what was in it.
    ///
    /// The core ends each request exactly once; a second time is a fault of ours.
    mutating func release(_ request: RequestID) -> Slot {
        let contents = slots[Int(request.slot)]
        precondition(
            contents.generation == request.generation && contents.exchange != nil,
            "a request ended twice"
        )
        slots[Int(request.slot)] = Slot(generation: contents.generation)
        free.append(request.slot)
        return contents
    }
}
