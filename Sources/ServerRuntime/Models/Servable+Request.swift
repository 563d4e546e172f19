import ServerCore
import ServingDomain

extension Servable {
    /// A ticket in the core's words; the request's name is still to be filled in.
    ///
    /// Deadline = arrival + the smaller of the model's objective and the client's timeout; a
    /// deadline that the ticket brings takes the objective's place.
    func arrival(of ticket: Ticket) -> Arrival {
        let timeout = ticket.timeout.map { ticket.arrival + $0 }
        let objective = ticket.deadline ?? spec.slo.map { ticket.arrival + $0 }
        let deadline: Instant? =
            switch (timeout, objective) {
            case (let timeout?, let objective?): min(timeout, objective)
            case (let one?, nil), (nil, let one?): one
            case (nil, nil): nil
            }
        return Arrival(
            request: RequestID(slot: 0, generation: 0),
            model: id,
            items: ticket.items,
            shape: shapeKeys.key(of: ticket.shapes),
            level: spec.priorities.level(of: ticket.priority),
            arrival: ticket.arrival,
            deadline: deadline,
            timeout: timeout
        )
    }

    /// What the request table keeps of a request.
    func slot(
        _ exchange: any InferenceExchange,
        _ ticket: Ticket,
        _ arrival: Arrival
    ) -> RequestTable.Slot {
        RequestTable.Slot(
            exchange: exchange,
            servable: self,
            shapes: ticket.shapes,
            items: ticket.items,
            level: arrival.level,
            arrival: arrival.arrival,
            deadline: arrival.deadline
        )
    }
}

/// Numbers for the shapes that a model's requests come in.
///
/// A model whose shapes are fixed needs none: its only key is 0. Others get a hash of the whole
/// combination. Two combinations share a number once in two thousand million, and then the lane,
/// which compares shapes again before requests share a batch, fails that batch.
struct ShapeKeys: Sendable {
    private let isFixed: Bool

    init(_ signature: ModelSignature) {
        isFixed = signature.inputs.allSatisfy { $0.isFixed && !$0.optional }
    }

    /// The key of a combination of shapes: equal shapes, equal keys.
    func key(of shapes: InputShapes) -> ShapeKey {
        guard !isFixed else { return ShapeKey(0) }
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for dims in shapes.dims {
            hash = (hash ^ UInt64(dims?.count ?? 255)) &* 0x100_0000_01b3
            for dimension in dims ?? [] {
                hash = (hash ^ UInt64(bitPattern: dimension)) &* 0x100_0000_01b3
            }
        }
        return ShapeKey(Int32(truncatingIfNeeded: (hash ^ (hash >> 32)) & 0x7fff_ffff))
    }
}
