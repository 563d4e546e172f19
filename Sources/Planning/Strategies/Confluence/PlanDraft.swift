import ServingDomain

/// A whole plan while it is being made.
struct PlanDraft: Hashable {
    /// The devices, in the order of the inputs.
    var devices: [DeviceDraft]
    /// What found no seat, in thousandths of a request per second, by model.
    var left: [Int64]

    /// Empty devices, all demand left.
    init(_ problem: ConfluenceProblem) {
        devices = problem.classOf.map { group in
            DeviceDraft(group: group, units: problem.classes[group].units)
        }
        left = problem.wants.map(\.milliRate)
    }
}

/// How good a plan is: what is left of the high class, then of the low, then what it costs.
struct PlanRating: Comparable {
    /// What is left, in units of devices or weighted requests.
    var leftHigh = 0.0, leftLow = 0.0
    /// Units in use and moves, in units of devices.
    var cost = 0.0

    static func < (left: PlanRating, right: PlanRating) -> Bool {
        let room = 1e-9
        if abs(left.leftHigh - right.leftHigh) > room { return left.leftHigh < right.leftHigh }
        if abs(left.leftLow - right.leftLow) > room { return left.leftLow < right.leftLow }
        return left.cost < right.cost - room
    }

    static func += (left: inout PlanRating, right: PlanRating) {
        left.leftHigh += right.leftHigh
        left.leftLow += right.leftLow
        left.cost += right.cost
    }
}

/// What changing the present layout costs, in units of the device.
///
/// A gpulet that changes must drain and be opened anew; a model that was not on the device must
/// be loaded while both layouts are resident. Both are worth it only for units that are free for
/// a while, so they are counted in units: a drain half a hundredth of the device, a load one
/// hundredth, and one more for every second and every GiB that it takes.
struct MovePrice {
    /// A seat of the present plan.
    private struct Seat: Hashable {
        var model: Int
        var units: Int32
    }

    /// The seats of each device; empty without a present plan.
    private let present: [[Seat]]

    /// The prices for moving away from `plan`.
    init(from plan: Plan?, in problem: ConfluenceProblem) {
        guard let plan else {
            present = []
            return
        }
        var seats: [[Seat]] = problem.inputs.devices.map { _ in [] }
        for layout in plan.devices {
            guard
                let place = problem.inputs.devices.firstIndex(where: { $0.id == layout.device })
            else { continue }
            for gpulet in layout.gpulets {
                for lane in gpulet.lanes {
                    let model = problem.inputs.models.firstIndex { $0.id == lane.model }
                    if let model { seats[place].append(Seat(model: model, units: gpulet.units)) }
                }
            }
        }
        present = seats
    }

    /// Whether device number `place` has a lane of the model on so many units now.
    func holds(_ model: Int, units: Int32, at place: Int) -> Bool {
        place < present.count && present[place].contains(Seat(model: model, units: units))
    }

    /// How many seats of the present plan are the model's.
    func lanes(of model: Int) -> Int {
        present.reduce(0) { $0 + $1.count { $0.model == model } }
    }

    /// The price of what differs on device number `place`. Cost: O(seats^2).
    func price(_ draft: DeviceDraft, at place: Int, in problem: ConfluenceProblem) -> Double {
        guard place < present.count else { return 0 }
        var seats = present[place]
        let hundredth = Double(problem.classes[draft.group].units) / 100
        var sum = 0.0
        for gpulet in draft.gpulets {
            for seat in gpulet.seats {
                let wanted = Seat(model: seat.model, units: gpulet.units)
                if let found = seats.firstIndex(of: wanted) {
                    seats.remove(at: found)
                    continue
                }
                sum += 0.5
                guard !present[place].contains(where: { $0.model == seat.model }) else { continue }
                let offer = problem.offers[draft.group][seat.model]
                sum += 1 + (offer?.loadMs ?? 0) / 1_000
                sum += Double(offer?.memory.weightsKiB ?? 0) / 1_048_576
            }
        }
        return sum * hundredth
    }
}
