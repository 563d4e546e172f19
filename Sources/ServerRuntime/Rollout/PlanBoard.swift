import Documents
import Planning
import ServerCore
import ServingDomain
import Synchronization

/// The last plan with what it was made from, for people who ask what the server does and why.
final class PlanBoard: Sendable {
    private struct Entry {
        var epoch: Epoch
        var inputs: PlanInputs
        var plan: Plan?
        var failure: String?
    }

    private struct State {
        /// The last plan that was made.
        var standing: Entry?
        /// Why the one after it was not.
        var failure: String?
        var count = 0
    }

    private let devices: [DeviceSpec]
    private let planner: any Planner
    private let state = Mutex(State())

    init(devices: [DeviceSpec], planner: any Planner) {
        self.devices = devices
        self.planner = planner
    }

    /// Takes note of a plan.
    func note(_ epoch: Epoch, _ inputs: PlanInputs, _ plan: Plan) {
        state.withLock { state in
            state.standing = Entry(epoch: epoch, inputs: inputs, plan: plan)
            state.failure = nil
            state.count += 1
        }
    }

    /// Takes note that there was none.
    func note(_ epoch: Epoch, failure: String) {
        state.withLock { $0.failure = failure }
    }

    /// How many plans were made.
    var count: Int { state.withLock { $0.count } }

    /// The plan that stands, as JSON: the plan itself and its reasons in plain words.
    ///
    /// - Throws: `PlanQuestionError` where there is none yet.
    func present() throws(PlanQuestionError) -> [UInt8] {
        let (entry, failure) = state.withLock { ($0.standing, $0.failure) }
        guard let entry, let plan = entry.plan else {
            throw PlanQuestionError(
                .none,
                failure ?? "there is no plan yet; ask again when a model is loaded"
            )
        }
        return try answer(plan, entry.inputs, entry.epoch, failure)
    }

    /// What would be planned if models were asked for at the rates of `demand`, as JSON. Nothing
    /// changes. Models that it does not name keep the rates that are measured.
    ///
    /// - Parameters:
    ///   - demand: A demand file (design, section 4), JSON or YAML.
    ///   - learned: Puts into the inputs what was learned since the last plan.
    /// - Throws: `PlanQuestionError` with one line.
    func preview(
        _ demand: [UInt8],
        learned: (inout PlanInputs) -> Void
    ) throws(PlanQuestionError) -> [UInt8] {
        let wanted: Demand
        do throws(DocumentError) {
            wanted = try Demand(reading: demand, source: "the demand")
        } catch {
            throw PlanQuestionError(.wrong, error.description)
        }
        guard var inputs = state.withLock({ $0.standing?.inputs }) else {
            throw PlanQuestionError(.none, "no model is loaded yet, so nothing can be planned")
        }
        learned(&inputs)
        inputs.leastMilliRates = []
        for entry in wanted.models {
            guard let place = inputs.models.lastIndex(where: { $0.name == entry.model }) else {
                let known = inputs.models.map(\.name)
                throw PlanQuestionError(
                    .wrong,
                    OptionedName.unknown("model", entry.model, known: known)
                )
            }
            inputs.milliRates[place] = entry.milliRate
            if let slo = entry.slo { inputs.models[place].slo = slo }
        }
        let plan: Plan
        do throws(PlanError) {
            plan = try planner.plan(inputs)
        } catch {
            throw PlanQuestionError(.wrong, error.message)
        }
        return try answer(plan, inputs, nil, nil)
    }

    private func answer(
        _ plan: Plan,
        _ inputs: PlanInputs,
        _ epoch: Epoch?,
        _ failure: String?
    ) throws(PlanQuestionError) -> [UInt8] {
        // By identifier: places of models that have gone are filled with any other.
        let last = inputs.models.map(\.id.position).max() ?? -1
        guard let any = inputs.models.first else { return Array("{}".utf8) }
        var models = Array(repeating: any, count: last + 1)
        for model in inputs.models { models[model.id.position] = model }
        let document = PlanDocument(plan, models: models, devices: devices, epoch: epoch)
        let lines: [String]
        do throws(PlanError) {
            lines = try Explanation.lines(of: plan, for: inputs)
        } catch {
            throw PlanQuestionError(.wrong, error.message)
        }
        let rates = zip(inputs.models, inputs.milliRates).map { model, milliRate in
            JSONText.object([
                ("model", JSONText.string(model.name)),
                ("rate", JSONText.number(Double(milliRate) / 1_000)),
                ("sloMs", model.slo.map { JSONText.number($0.inMilliseconds) }),
                ("priority", JSONText.string(model.priority == .high ? "high" : "low")),
            ])
        }
        let text = JSONText.object([
            ("plan", String(decoding: document.json(), as: UTF8.self)),
            ("demand", JSONText.list(rates)),
            ("explanation", JSONText.list(lines.map { JSONText.string($0) })),
            ("lastFailure", failure.map { JSONText.string($0) }),
        ])
        return Array(text.utf8)
    }
}

/// Why a question about plans has no answer.
public struct PlanQuestionError: Error, Hashable, Sendable {
    /// The kinds that fronts answer differently.
    public enum Kind: UInt8, Hashable, Sendable {
        /// The question is wrong.
        case wrong
        /// There is nothing to tell yet.
        case none
    }

    /// What kind it is.
    public var kind: Kind
    /// One line: what, the limit, the next step.
    public var message: String

    /// Creates an error.
    public init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }
}
