public import ServingDomain

/// A planner for a server that is up: every model has a seat, whatever is known of it and
/// whatever fits, and no unit of a device in use lies idle.
///
/// Planners plan by rates and latencies. A server has models that nobody has asked for yet, that
/// have no objective, that were never measured, or that nothing is left for, and must still answer
/// for them. What another planner decides stays; this one adds:
///
/// 1. models without an objective are planned as if they had one (`objective`), all for a little
///    less than theirs (`promise`): a profile is a median, and wakes and sockets take time too;
/// 2. models without latencies, and those that found no place, get a seat of their own on free
///    units, else beside others on the least occupied gpulet, with rate 0;
/// 3. units that are left on a device in use go to its most occupied gpulets;
/// 4. models at the least rate may gather larger batches than that rate needs, for the surge that
///    comes before the next plan.
///
/// With `sharesCores` it also tears walls down that only cost: where the cores of CPUs do hardly
/// more work behind walls than all together (`leastGain(_:)`), every core is for everybody, and the
/// dispatcher decides by priority and slack. A core that idles behind a wall serves nobody. Where
/// low batches give way within their runs (`DeviceSpec.preemptsLow`), high models are promised
/// their objectives there as if there were no low ones (`SharedCores`).
///
/// Cost: the other planner's, and O(models x gpulets).
public struct SeatedPlanner: Planner {
    private let inner: any Planner
    private let floorMilliRate: Int64
    private let sharesCores: Bool

    /// Lets `inner` plan, and seats everybody.
    ///
    /// - Parameters:
    ///   - floorMilliRate: The least rate that any model is planned for
    ///     (`EpochRules.floorMilliRate`).
    ///   - sharesCores: Whether CPUs have no walls where these save little; right for policies
    ///     that go by deadlines.
    public init(_ inner: any Planner, floorMilliRate: Int64, sharesCores: Bool = false) {
        self.inner = inner
        self.sharesCores = sharesCores
        self.floorMilliRate = floorMilliRate
    }

    /// The name of the planner that decides.
    public var name: String { inner.name }

    /// Makes a plan; unserved demand is still said, though its models have seats.
    public func plan(_ inputs: PlanInputs) throws(PlanError) -> Plan {
        var known = inputs
        known.models = []
        known.milliRates = []
        for (place, model) in inputs.models.enumerated() {
            guard Self.isKnown(place, inputs) else { continue }
            var model = model
            model.slo = Self.promise(model.slo ?? Self.objective(of: place, inputs))
            known.models.append(model)
            known.milliRates.append(inputs.milliRates[place])
        }
        let plan = try inner.plan(known)
        if sharesCores, inputs.devices.allSatisfy({ $0.copyEngines == 0 }),
            Self.gain(of: plan, known) < Self.leastGain(inputs.devices)
        {
            return try shared(plan, inputs)
        }
        var seating = Seating(plan, inputs, floorMilliRate: floorMilliRate)
        seating.seatAll()
        seating.fillUnits()
        return seating.plan
    }

    /// How much less of the cores' time the walls of a plan must need for the same work.
    ///
    /// More where high work takes the cores from low work anyhow: without walls it then has all of
    /// them at once, and what it leaves is nobody's alone. Seen on two cores, where walls promised
    /// up to 1.8 times less work: 12.5 % violations behind walls, none without.
    static func leastGain(_ devices: [DeviceSpec]) -> Double {
        devices.contains(where: \.preemptsLow) ? 3 : 1.5
    }

    /// The time that the planned batches would take of all cores of their devices together, over
    /// what they take of those behind their walls; 1 where nothing is planned.
    static func gain(of plan: Plan, _ inputs: PlanInputs) -> Double {
        var (together, walled) = (0.0, 0.0)
        for layout in plan.devices {
            guard let device = inputs.devices.first(where: { $0.id == layout.device }) else {
                continue
            }
            for gpulet in layout.gpulets {
                for lane in gpulet.lanes {
                    guard let place = inputs.models.firstIndex(where: { $0.id == lane.model }),
                        let known = ModelLatencies(of: place, on: device.kind, in: inputs),
                        let all = known.latency(batch: lane.batchLimit, units: device.units),
                        let part = known.latency(batch: lane.batchLimit, units: gpulet.units)
                    else { continue }
                    let batches = Double(lane.milliRate) / Double(lane.batchLimit)
                    together += batches * Double(all.nanoseconds) * Double(device.units)
                    walled += batches * Double(part.nanoseconds) * Double(gpulet.units)
                }
            }
        }
        return walled > 0 ? together / walled : 1
    }

    /// Every core for everybody; what did not fit behind walls is still said, but for high models
    /// where low ones give way within their runs: those wait for each other only.
    private func shared(_ walled: Plan, _ inputs: PlanInputs) throws(PlanError) -> Plan {
        var plan = try WholePlanner().plan(inputs)
        plan.planner = walled.planner
        plan.unserved = walled.unserved
        plan.bound = walled.bound
        let widths = BatchWidths(inputs)
        for layout in plan.devices.indices {
            for gpulet in plan.devices[layout].gpulets.indices {
                widths.fit(&plan.devices[layout].gpulets[gpulet], layout)
                for lane in plan.devices[layout].gpulets[gpulet].lanes.indices {
                    plan.devices[layout].gpulets[gpulet].lanes[lane].why =
                        Self.noWalls
                }
            }
        }
        if let cores = SharedCores(inputs, inner, widths) {
            for word in try cores.words() { tell(word, inputs.models[word.place].id, in: &plan) }
        }
        return plan
    }

    private static let noWalls =
        "walls would hardly save work here, so all share all cores, by priority and slack"

    /// Writes down what a high model is promised whom no low batch holds up.
    private func tell(_ word: SharedCores.Word, _ model: ModelID, in plan: inout Plan) {
        plan.unserved.removeAll { $0.model == model }
        if word.left > 0 {
            plan.unserved.append(
                Plan.Unserved(model: model, milliRate: word.left, why: word.why)
            )
            plan.unserved.sort { $0.model < $1.model }
        }
        for layout in plan.devices.indices {
            for gpulet in plan.devices[layout].gpulets.indices {
                for lane in plan.devices[layout].gpulets[gpulet].lanes.indices
                where plan.devices[layout].gpulets[gpulet].lanes[lane].model == model {
                    var placement = plan.devices[layout].gpulets[gpulet].lanes[lane]
                    placement.violation = word.violation
                    placement.why = "\(Self.noWalls); \(word.why)"
                    plan.devices[layout].gpulets[gpulet].lanes[lane] = placement
                }
            }
        }
    }

    /// What an objective is planned for: six parts in seven of it, less a millisecond.
    static func promise(_ objective: TimeSpan) -> TimeSpan {
        let most = objective.nanoseconds / 7 * 6
        return TimeSpan(nanoseconds: max(most / 6, most - 1_000_000))
    }

    /// Whether some device that is there has latencies of a model.
    private static func isKnown(_ place: Int, _ inputs: PlanInputs) -> Bool {
        inputs.devices.contains { ModelLatencies(of: place, on: $0.kind, in: inputs) != nil }
    }

    /// What a model without an objective is planned for: ten times its batch of one on the device
    /// that is the fastest, 200 ms at least.
    static func objective(of place: Int, _ inputs: PlanInputs) -> TimeSpan {
        var least: TimeSpan?
        for device in inputs.devices {
            let latencies = ModelLatencies(of: place, on: device.kind, in: inputs)
            guard let one = latencies?.latency(batch: 1, units: device.units) else { continue }
            least = min(least ?? one, one)
        }
        return max(.milliseconds(200), (least ?? .zero) * 10)
    }
}
