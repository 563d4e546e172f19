import ServingDomain
import Workloads

extension ScenarioReader {
    mutating func readModels() throws(DocumentError) {
        let node = try root.required("models")
        for entry in try node.list(limit: Self.entryLimit) {
            let object = try entry.object([
                "model", "sloMs", "priority", "percentile", "rate", "maxBatch", "instances",
                "instanceLimit", "minShare", "maxShare", "weight", "preferredBatches",
                "queueDelayMs", "maxQueue", "arrivals",
            ])
            let nameNode = try object.required("model")
            let name = try nameNode.name()
            guard !models.contains(where: { $0.name == name }) else {
                throw nameNode.wrong(
                    "the model '\(name)' is there twice; give its 'arrivals' a list instead"
                )
            }
            let id = ModelID(Int32(models.count))
            let spec = try spec(id, name, object)
            models.append(spec)
            for profile in library.profiles where profile.model == name {
                warnings += profile.warnings
            }
            if let obstacle = spec.obstacle(on: devices) {
                warnings.append("models[\(id.index)]: \(obstacle)")
            }
            try readLoads(of: id, object)
            declared.append(
                try object.optional("rate").map { node throws(DocumentError) in
                    Int64((try node.number(in: 0...1e9) * 1_000).rounded())
                }
            )
        }
        guard !models.isEmpty else { throw node.wrong("names no model; give at least one") }
    }

    private func spec(
        _ id: ModelID,
        _ name: String,
        _ object: DocumentObject
    ) throws(DocumentError) -> ModelSpec {
        var spec = try library.spec(
            id,
            of: name,
            on: devices,
            estimates: mayEstimate ? estimates : .none
        )
        spec.slo = try object.milliseconds("sloMs")
        if let percentile = try object.optional("percentile")?.number(in: 50...100) {
            spec.percentile = percentile
        }
        let level: Int32 = try object.priority() == .high ? 1 : 2
        spec.priorities = PriorityRules(levels: 2, defaultLevel: level)
        if let limit = try object.optional("maxBatch")?.integer(in: 1...1_048_576) {
            spec.maxBatch = Int32(limit)
        }
        let instances = Int32(try object.optional("instances")?.integer(in: 1...1_024) ?? 1)
        spec.instances = instances
        spec.instanceLimit = Int32(
            try object.optional("instanceLimit")?.integer(in: Int64(instances)...1_024)
                ?? Int64(instances)
        )
        spec.minShare = try object.optional("minShare")?.number(in: 0...100) ?? 0
        spec.maxShare = try object.optional("maxShare")?.number(in: spec.minShare...100) ?? 100
        if let weight = try object.optional("weight")?.number(in: 0.001...1_000) {
            spec.weightMilli = Int32((weight * 1_000).rounded())
        }
        for entry in try object.optional("preferredBatches")?.list(limit: 1_024) ?? [] {
            let size = Int32(try entry.integer(in: 1...Int64(spec.maxBatch)))
            guard spec.batching.preferredSizes.last.map({ $0 < size }) ?? true else {
                throw entry.wrong("sizes must ascend")
            }
            spec.batching.preferredSizes.append(size)
        }
        spec.batching.maxQueueDelay = try object.milliseconds("queueDelayMs") ?? .zero
        if let most = try object.optional("maxQueue")?.integer(in: 1...1_000_000) {
            for place in spec.queues.indices { spec.queues[place].maxSize = Int32(most) }
        }
        return spec
    }

    // MARK: Arrivals

    private mutating func readLoads(
        of model: ModelID,
        _ object: DocumentObject
    ) throws(DocumentError) {
        guard let node = object.optional("arrivals") else { return }
        let entries: [DocumentNode]
        if case .list(let list) = node.value { entries = list } else { entries = [node] }
        guard entries.count <= 64 else { throw node.wrong("has more than 64 entries, the limit") }
        for entry in entries {
            let extra = ["priority", "items", "timeoutMs", "sloMs"]
            let (process, object) = try arrivals(entry, extraKeys: extra)
            var load = ScenarioDocument.Load(model: model, arrivals: process)
            load.priority = try object.priority()
            let most = Int64(models[model.position].maxBatch)
            load.items = Int32(try object.optional("items")?.integer(in: 1...most) ?? 1)
            load.timeout = try object.milliseconds("timeoutMs")
            load.slo = try object.milliseconds("sloMs")
            loads.append(load)
        }
    }

    /// An arrival process, and the object it was read from for the keys beside it.
    func arrivals(
        _ node: DocumentNode,
        extraKeys: [String] = []
    ) throws(DocumentError) -> (process: ArrivalProcess, object: DocumentObject) {
        let keys: [String: [String]] = [
            "poisson": ["rate"], "uniform": ["rate"],
            "bursty": ["rate", "calmRate", "burstRate", "calmS", "burstS"],
            "steps": ["rates", "stepS", "repeats"], "trace": ["file", "model"],
            "closed": ["concurrency"],
        ]
        let words = ["poisson", "uniform", "bursty", "steps", "trace", "closed"]
        let all = ["kind"] + words.flatMap { keys[$0] ?? [] } + extraKeys
        let object = try node.object(all)
        let word = try object.required("kind").word(of: words)
        let own = ["kind"] + (keys[word] ?? []) + extraKeys
        for key in all where !own.contains(key) {
            if let extra = object.optional(key) {
                throw extra.wrong("does not belong to arrivals of kind '\(word)'")
            }
        }
        let process = try process(word, object)
        if let flaw = process.flaw {
            throw (object.optional("rate") ?? node).wrong(flaw)
        }
        return (process, object)
    }

    private func process(
        _ word: String,
        _ object: DocumentObject
    ) throws(DocumentError) -> ArrivalProcess {
        func rate(_ key: String) throws(DocumentError) -> Double {
            let node = try object.required(key)
            let rate = try node.number(in: 0...ArrivalProcess.rateLimit)
            // Below that, a run of the longest scenario would see nobody.
            guard rate >= 1e-6 || (rate == 0 && key == "calmRate") else {
                throw node.wrong(
                    "must be at least 1e-6 requests per second, is \(JSONText.number(rate));"
                        + " leave 'arrivals' out for none"
                )
            }
            return rate
        }
        switch word {
        case "poisson": return .poisson(rate: try rate("rate"))
        case "uniform": return .uniform(rate: try rate("rate"))
        case "bursty":
            if object.optional("rate") != nil {
                for key in ["calmRate", "burstRate", "calmS", "burstS"] {
                    guard let extra = object.optional(key) else { continue }
                    throw extra.wrong("give either 'rate' or the four of a burst")
                }
                return .bursty(.standard(rate: try rate("rate")))
            }
            return .bursty(
                Burst(
                    calmRate: try rate("calmRate"),
                    burstRate: try rate("burstRate"),
                    meanCalm: try object.seconds("calmS", in: 0.001...Self.longest) ?? .seconds(4),
                    meanBurst: try object.seconds("burstS", in: 0.001...Self.longest)
                        ?? .seconds(1)
                )
            )
        case "steps":
            var rates: [Double] = []
            for entry in try object.required("rates").list(limit: RateSteps.countLimit) {
                rates.append(try entry.number(in: 0...ArrivalProcess.rateLimit))
            }
            return .steps(
                RateSteps(
                    step: try object.seconds("stepS", in: 0.001...Self.longest) ?? .seconds(1),
                    rates: rates,
                    repeats: try object.optional("repeats")?.bool() ?? false
                )
            )
        case "trace":
            let trace = try folder.trace(try object.required("file").name())
            return .trace(trace.times(of: try object.optional("model")?.string()))
        default:
            let node = try object.required("concurrency")
            let count = try node.integer(in: 1...Int64(ArrivalProcess.concurrencyLimit))
            return .closed(concurrency: Int(count))
        }
    }

    // MARK: Applications

    func readGraphs() throws(DocumentError) -> [ScenarioDocument.GraphLoad] {
        var graphs: [ScenarioDocument.GraphLoad] = []
        for entry in try root.optional("graphs")?.list(limit: Self.entryLimit) ?? [] {
            let object = try entry.object(["name", "sloMs", "priority", "stages", "arrivals"])
            let nameNode = try object.required("name")
            let name = try nameNode.name()
            guard !graphs.contains(where: { $0.graph.name == name }) else {
                throw nameNode.wrong("the graph '\(name)' is there twice; give each its own name")
            }
            let stagesNode = try object.required("stages")
            let graph = Graph(
                name: name,
                slo: try object.milliseconds("sloMs"),
                stages: try stages(stagesNode),
                priority: try object.priority() ?? .low
            )
            guard let graph else { throw stagesNode.wrong("must be 1 to 64 stages") }
            let (process, _) = try arrivals(try object.required("arrivals"))
            graphs.append(ScenarioDocument.GraphLoad(graph: graph, arrivals: process))
        }
        return graphs
    }

    /// Stages by name; a stage without a name is called like its model.
    private func stages(_ node: DocumentNode) throws(DocumentError) -> [Graph.Stage] {
        var stages: [Graph.Stage] = []
        var names: [String] = []
        for entry in try node.list(limit: 64) {
            let object = try entry.object(["name", "model", "after"])
            let modelNode = try object.required("model")
            var after: [Int32] = []
            for before in try object.optional("after")?.list(limit: 64) ?? [] {
                let name = try before.string()
                guard let place = names.firstIndex(of: name) else {
                    throw before.wrong(
                        "there is no stage '\(name)' before this one; there are: "
                            + (names.isEmpty ? "none" : names.joined(separator: ", "))
                    )
                }
                after.append(Int32(place))
            }
            let name = try (object.optional("name") ?? modelNode).name()
            guard !names.contains(name) else {
                throw entry.wrong("the stage '\(name)' is there twice; give each a 'name'")
            }
            names.append(name)
            stages.append(Graph.Stage(model: try id(of: modelNode), after: after))
        }
        return stages
    }
}
