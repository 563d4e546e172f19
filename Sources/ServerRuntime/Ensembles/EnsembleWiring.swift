import ServingDomain

/// An ensemble held against the models that it calls: which step feeds which, by numbers.
///
/// Steps stand in an order in which they can run. Models are found by name at each call, so that
/// they may be reloaded; one whose tensors have changed since is not called.
struct EnsembleWiring: Sendable {
    /// Where a step's input comes from.
    enum Feed: Hashable, Sendable {
        /// An input of the ensemble's own request.
        case request(Int)
        /// A tensor that an earlier step gives.
        case tensor(Int)
    }

    /// One step.
    struct Step: Sendable {
        let model: String
        let version: Int64?
        let signature: ModelSignature
        /// By input of the model; nil where it is optional and not fed.
        let feeds: [Feed?]
        /// By output of the model: the tensor that it becomes; nil where nobody wants it.
        let tensors: [Int?]
    }

    let steps: [Step]
    /// The same steps as a graph, for deadlines.
    let graph: Graph
    /// How many inputs of steps and outputs of the ensemble use each tensor.
    let uses: [Int]
    /// By output of the ensemble: the tensor or input that it is.
    let results: [Feed]

    /// Wires `definition` to the models that `find` knows.
    ///
    /// - Throws: One line naming the step or tensor that does not fit.
    init(
        _ definition: EnsembleDefinition,
        name: String,
        signature: ModelSignature,
        rules: ModelSpec,
        find: (String, Int64?) throws(SourceError) -> Servable
    ) throws(SourceError) {
        var draft = WiringDraft(name: name, signature: signature, rules: rules)
        var models: [Servable] = []
        for step in definition.steps { models.append(try find(step.model, step.version)) }
        for (step, model) in zip(definition.steps, models) { try draft.declare(step, model) }
        let order = try draft.order(definition.steps)
        var steps: [Step] = []
        var stages: [Graph.Stage] = []
        for place in order {
            let (step, model) = (definition.steps[place], models[place])
            let wired = try draft.wire(step, model)
            stages.append(
                Graph.Stage(model: model.id, after: draft.producers(of: wired.feeds))
            )
            draft.place(wired, at: Int32(steps.count))
            steps.append(wired)
        }
        guard
            let graph = Graph(
                name: name,
                slo: rules.slo,
                stages: stages,
                priority: rules.priority
            )
        else {
            throw draft.error(
                "has \(stages.count) steps; between 1 and \(EnsembleDefinition.mostSteps) are "
                    + "possible"
            )
        }
        results = try draft.results()
        uses = draft.uses
        self.steps = steps
        self.graph = graph
    }
}

/// Tensors by name while an ensemble is being wired.
private struct WiringDraft {
    let name: String
    let signature: ModelSignature
    let rules: ModelSpec
    private var numbers: [String: Int] = [:]
    private var types: [DataType] = []
    private var makers: [Int32] = []
    private(set) var uses: [Int] = []

    init(name: String, signature: ModelSignature, rules: ModelSpec) {
        self.name = name
        self.signature = signature
        self.rules = rules
    }

    func error(_ text: String) -> SourceError {
        SourceError(.invalid, "ensemble '\(name)' \(text)")
    }

    /// Notes the tensors that a step gives, and looks whether its model fits at all.
    mutating func declare(
        _ step: EnsembleDefinition.Step,
        _ model: Servable
    ) throws(SourceError) {
        if signature.batched, !model.signature.batched || model.spec.maxBatch < rules.maxBatch {
            throw error(
                "takes batches of \(rules.maxBatch), its step '\(step.model)' of "
                    + "\(model.signature.batched ? model.spec.maxBatch : 0); lower "
                    + "max_batch_size of the ensemble"
            )
        }
        for binding in step.outputs {
            guard let output = model.signature.outputs.first(where: { $0.name == binding.port })
            else { throw error("wants '\(binding.port)' of '\(step.model)', which gives none") }
            let isInput = signature.inputs.contains { $0.name == binding.tensor }
            guard numbers[binding.tensor] == nil, !isInput else {
                throw error("gets tensor '\(binding.tensor)' twice; give each its own name")
            }
            numbers[binding.tensor] = types.count
            types.append(output.type)
            makers.append(-1)
            uses.append(0)
        }
    }

    /// An order in which every step comes after those that feed it.
    func order(_ steps: [EnsembleDefinition.Step]) throws(SourceError) -> [Int] {
        var known = Set(signature.inputs.map(\.name))
        var order: [Int] = []
        while order.count < steps.count {
            let next = steps.indices.first { place in
                !order.contains(place)
                    && steps[place].inputs.allSatisfy { known.contains($0.tensor) }
            }
            guard let next else {
                let stuck = steps.indices.first { !order.contains($0) } ?? 0
                let missing = steps[stuck].inputs.first { !known.contains($0.tensor) }
                throw error(
                    "can't run its step '\(steps[stuck].model)': nothing before it gives tensor "
                        + "'\(missing?.tensor ?? "")'"
                )
            }
            order.append(next)
            known.formUnion(steps[next].outputs.map(\.tensor))
        }
        return order
    }

    mutating func wire(
        _ step: EnsembleDefinition.Step,
        _ model: Servable
    ) throws(SourceError) -> EnsembleWiring.Step {
        for binding in step.inputs
        where !model.signature.inputs.contains(where: { $0.name == binding.port }) {
            throw error("feeds '\(binding.port)' of '\(step.model)', which has no such input")
        }
        var feeds: [EnsembleWiring.Feed?] = []
        for input in model.signature.inputs {
            guard let binding = step.inputs.first(where: { $0.port == input.name }) else {
                guard input.optional else {
                    throw error("does not feed input '\(input.name)' of its step '\(step.model)'")
                }
                feeds.append(nil)
                continue
            }
            let (feed, type) = try find(binding.tensor)
            guard type == input.type else {
                throw error(
                    "feeds '\(binding.tensor)' (\(type.name)) to '\(input.name)' of "
                        + "'\(step.model)', which takes \(input.type.name)"
                )
            }
            if case .tensor(let number) = feed { uses[number] += 1 }
            feeds.append(feed)
        }
        let tensors = model.signature.outputs.map { output in
            step.outputs.first { $0.port == output.name }.flatMap { numbers[$0.tensor] }
        }
        return EnsembleWiring.Step(
            model: step.model,
            version: step.version,
            signature: model.signature,
            feeds: feeds,
            tensors: tensors
        )
    }

    /// Notes which step gives the tensors of `step`.
    mutating func place(_ step: EnsembleWiring.Step, at number: Int32) {
        for tensor in step.tensors { if let tensor { makers[tensor] = number } }
    }

    /// The steps that a step waits for, ascending.
    func producers(of feeds: [EnsembleWiring.Feed?]) -> [Int32] {
        var found: Set<Int32> = []
        for feed in feeds { if case .tensor(let number) = feed { found.insert(makers[number]) } }
        return found.sorted()
    }

    /// Where the ensemble's own outputs come from.
    mutating func results() throws(SourceError) -> [EnsembleWiring.Feed] {
        var results: [EnsembleWiring.Feed] = []
        for output in signature.outputs {
            let (feed, type) = try find(output.name)
            guard type == output.type else {
                throw error(
                    "declares output '\(output.name)' as \(output.type.name), its step gives "
                        + type.name
                )
            }
            if case .tensor(let number) = feed { uses[number] += 1 }
            results.append(feed)
        }
        return results
    }

    private func find(_ tensor: String) throws(SourceError) -> (EnsembleWiring.Feed, DataType) {
        if let place = signature.inputs.firstIndex(where: { $0.name == tensor }) {
            return (.request(place), signature.inputs[place].type)
        }
        guard let number = numbers[tensor] else {
            throw error("needs tensor '\(tensor)', which no step gives")
        }
        return (.tensor(number), types[number])
    }
}
