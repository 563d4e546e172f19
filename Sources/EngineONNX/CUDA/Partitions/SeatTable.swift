import ServerRuntime
import Synchronization

/// The seats that somebody holds, by their units.
final class SeatTable: Sendable {
    private struct Held {
        weak var seat: PartitionSeat?
    }

    private let held = Mutex<[[Int32]: Held]>([:])

    /// The seat on these units, made by `open` where nobody holds one.
    func seat(
        _ units: [Int32],
        _ open: ([Int32]) throws(EngineError) -> PartitionSeat
    ) throws(EngineError) -> PartitionSeat {
        let order = units.sorted()
        let outcome = held.withLock { held -> Result<PartitionSeat, EngineError> in
            if let seat = held[order]?.seat { return .success(seat) }
            do throws(EngineError) {
                let seat = try open(order)
                held = held.filter { $0.value.seat != nil }
                held[order] = Held(seat: seat)
                return .success(seat)
            } catch {
                return .failure(error)
            }
        }
        return try outcome.get()
    }

    /// How many seats are held.
    var count: Int { held.withLock { $0.values.count { $0.seat != nil } } }
}
