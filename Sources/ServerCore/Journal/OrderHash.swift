import ServingDomain

/// A number that stands for the orders of one event: equal orders, equal number, in every process
/// and on every machine.
///
/// Not for adversaries: it only has to notice when a replay goes another way. 64 bits, one
/// multiplication per word (after FNV-1a, on words instead of bytes, with a final mix). Cost:
/// about 1 ns per word, no allocation.
public struct OrderHash: Sendable {
    private var state: UInt64 = 0xCBF2_9CE4_8422_2325

    /// Creates the hash of nothing.
    public init() {}

    /// The number for all orders of `buffer`.
    public static func of(_ buffer: borrowing ActionBuffer) -> UInt64 {
        var hash = OrderHash()
        hash.add(buffer)
        return hash.value
    }

    /// The number for all that has been added.
    public var value: UInt64 {
        var mixed = state
        mixed ^= mixed >> 32
        mixed = mixed &* 0x9E37_79B9_7F4A_7C15
        return mixed ^ (mixed >> 29)
    }

    /// Adds a word.
    public mutating func add(_ word: UInt64) {
        state = (state ^ word) &* 0x0000_0100_0000_01B3
        state ^= state >> 31
    }

    /// Adds all orders of `buffer`.
    public mutating func add(_ buffer: borrowing ActionBuffer) {
        add(UInt64(buffer.actions.count))
        for place in buffer.actions.indices { add(buffer.actions[place], buffer) }
    }

    // MARK: Orders

    private mutating func add(_ action: Action, _ buffer: borrowing ActionBuffer) {
        switch action {
        case .launch(let order): add(order, buffer)
        case .terminate(let batch, let instance):
            add(2, batch.slot, Int32(bitPattern: batch.generation))
            add(instance.index)
        case .reply(let request, let outcome): add(3, request, outcome.rawValue)
        case .timeout(let request): add(4, request, 0)
        case .drop(let request, let reason): add(5, request, reason.rawValue)
        case .refuse(let request, let refusal): add(6, request, refusal.rawValue)
        case .startInstance(let order):
            add(7, order.instance.index, order.lane.index)
            add(order.model.index, order.gpulet.index, order.siblings)
            add(order.batchLimit)
            if order.width != 0 { add(order.width) }
        case .stopInstance(let instance): add(8, instance.index, 0)
        case .abandonInstance(let instance): add(11, instance.index, 0)
        case .computePlan(let epoch, let inputs):
            add(UInt64(9))
            add(epoch.number)
            add(encoded: inputs)
        case .rollout(let epoch, let step):
            add(UInt64(10))
            add(epoch.number)
            add(step)
        }
    }

    private mutating func add(_ order: LaunchOrder, _ buffer: borrowing ActionBuffer) {
        add(1, order.batch.slot, Int32(bitPattern: order.batch.generation))
        add(order.instance.index, order.model.index, order.items)
        switch order.stage {
        case .whole: add(UInt64(0))
        case .copyIn(let chunk): add(1, chunk, 0)
        case .run(let segments): add(2, segments.lowerBound, segments.upperBound)
        case .copyOut(let chunk): add(3, chunk, 0)
        }
        add(order.latest.nanoseconds)
        add(order.expected?.nanoseconds ?? .min)
        if order.overtakes { add(UInt64(1)) }
        // `due` follows from the requests.
        for place in order.requests {
            let request = buffer.requests[Int(place)]
            add(request.slot, Int32(bitPattern: request.generation), 0)
        }
    }

    private mutating func add(_ step: RolloutStep) {
        switch step {
        case .open(let gpulet, let device, let units):
            add(1, gpulet.index, device.index)
            add(units)
        case .pin(let gpulet, let units): add(2, gpulet.index, units)
        case .close(let gpulet): add(3, gpulet.index, 0)
        }
    }

    /// Plans are rare and large: their bytes in the journal stand for them.
    private mutating func add(encoded inputs: PlanInputs) {
        var bytes = JournalBytes()
        bytes.append(inputs)
        add(UInt64(bytes.storage.count))
        for byte in bytes.storage { add(UInt64(byte)) }
    }

    // MARK: Words

    private mutating func add(_ kind: UInt64, _ request: RequestID, _ detail: UInt8) {
        add(kind << 8 | UInt64(detail))
        add(request.slot, Int32(bitPattern: request.generation), 0)
    }

    private mutating func add(_ first: Int32, _ second: Int32, _ third: Int32) {
        add(UInt64(UInt32(bitPattern: first)) << 32 | UInt64(UInt32(bitPattern: second)))
        if third != 0 { add(third) }
    }

    private mutating func add(_ value: Int32) { add(UInt64(UInt32(bitPattern: value))) }
    private mutating func add(_ value: Int64) { add(UInt64(bitPattern: value)) }
}
