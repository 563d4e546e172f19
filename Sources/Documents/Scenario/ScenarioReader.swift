import ServingDomain
import Workloads

/// Reads a scenario part by part; every part may need the parts before it.
struct ScenarioReader {
    /// The most models, applications and faults.
    static let entryLimit = 4_096
    /// The longest scenario, in seconds.
    static let longest = 1e6

    /// What a list of profiles says for those that nobody measured.
    static let presetsWord = "presets"

    let folder: DocumentFolder
    let root: DocumentObject
    /// What may stand in for files; what profiles may is decided by the scenario.
    let estimates: Estimates
    var mayEstimate = false
    var devices: [DeviceSpec] = []
    var kinds: [DeviceDescription] = []
    var library = ProfileLibrary()
    var models: [ModelSpec] = []
    var declared: [Int64?] = []
    var loads: [ScenarioDocument.Load] = []
    var warnings: [String] = []

    init(
        _ bytes: [UInt8],
        source: String,
        folder: DocumentFolder,
        estimates: Estimates
    ) throws(DocumentError) {
        self.folder = folder
        self.estimates = estimates
        root = try DocumentReader.read(bytes, source: source).object([
            "seed", "warmUp", "duration", "cluster", "kinds", "profiles", "system", "planner",
            "scaler", "policy", "models", "graphs", "epochs", "faults", "noise",
        ])
    }

    mutating func read() throws(DocumentError) -> ScenarioDocument {
        let span = 0.0...Self.longest
        let durationNode = try root.required("duration")
        let seconds = try durationNode.number(in: span)
        guard seconds > 0 else { throw durationNode.wrong("must be more than 0 seconds") }
        let warmUp = try root.seconds("warmUp", in: span) ?? .zero
        let duration = TimeSpan.milliseconds(rounding: seconds * 1_000)
        if let node = root.optional("warmUp"), warmUp >= duration {
            throw node.wrong("must be shorter than the duration, \(JSONText.number(seconds)) s")
        }
        try readDevices()
        try readProfiles()
        try readModels()
        let layers = try readLayers()
        let graphs = try readGraphs()
        if loads.isEmpty && graphs.isEmpty {
            throw try root.required("models")
                .wrong("nobody sends requests; give a model or a graph 'arrivals'")
        }
        var scenario = ScenarioDocument(
            duration: duration,
            devices: devices,
            models: models,
            declared: declared,
            loads: loads,
            planner: layers.planner,
            scaler: layers.scaler,
            policy: layers.policy
        )
        scenario.seed = try root.optional("seed")?.seed() ?? 1
        scenario.warmUp = warmUp
        scenario.graphs = graphs
        scenario.contention = kinds.compactMap { kind in
            guard devices.contains(where: { $0.kind == kind.kind }),
                let contention = kind.contention
            else { return nil }
            return PlanInputs.KindContention(
                kind: kind.kind,
                model: contention.model(of: models)
            )
        }
        scenario.epochs = try readEpochs()
        scenario.faults = try readFaults()
        scenario.noise = try readNoise()
        scenario.warnings = warnings
        return scenario
    }

    // MARK: Devices and profiles

    private mutating func readDevices() throws(DocumentError) {
        for entry in try root.optional("kinds")?.list(limit: Self.entryLimit) ?? [] {
            let kind: DeviceDescription
            if case .text(let name) = entry.value {
                let bytes = try folder.read(name)
                kind = try DeviceDescription(reading: bytes, source: folder.resolve(name))
            } else {
                kind = try DeviceDescription(entry)
            }
            guard !kinds.contains(where: { $0.kind == kind.kind }) else {
                throw entry.wrong("the kind '\(kind.kind)' is there twice; keep one")
            }
            kinds.append(kind)
        }
        let described = kinds.map(\.kind)
        kinds += estimates.kinds.filter { !described.contains($0.kind) }
        let node = try root.required("cluster")
        let cluster: Cluster
        if case .text(let name) = node.value {
            cluster = try Cluster(reading: folder.read(name), source: folder.resolve(name))
        } else {
            cluster = try Cluster(node)
        }
        devices = try cluster.specs(kinds: kinds)
    }

    private mutating func readProfiles() throws(DocumentError) {
        let node = try root.required("profiles")
        let entries: [DocumentNode]
        if case .list(let list) = node.value { entries = list } else { entries = [node] }
        guard entries.count <= ProfileLibrary.limit else {
            throw node.wrong("has more than \(ProfileLibrary.limit) entries, the limit")
        }
        for entry in entries {
            guard case .text(let name) = entry.value else {
                let profile = try Profile(entry)
                try library.add(profile, source: "\(entry.source):\(entry.line)")
                continue
            }
            if name == Self.presetsWord {
                mayEstimate = true
            } else {
                try folder.addProfiles(in: name, to: &library)
            }
        }
    }

    // MARK: Layers

    private func readLayers() throws(DocumentError) -> SystemName.Layers {
        var layers = SystemName.Layers(planner: "whole", scaler: "none", policy: "edf")
        if let node = root.optional("system") {
            let word = try node.string()
            guard let known = SystemName.layers(of: word) else {
                throw node.unknown(word, among: SystemName.words)
            }
            layers = known
        }
        // Whether such a planner exists, those say who own the names.
        layers.planner = try root.optional("planner")?.name() ?? layers.planner
        layers.scaler = try root.optional("scaler")?.name() ?? layers.scaler
        layers.policy = try root.optional("policy")?.name() ?? layers.policy
        return layers
    }

    private func readEpochs() throws(DocumentError) -> ScenarioDocument.Epochs? {
        guard let node = root.optional("epochs") else { return nil }
        let words = ScenarioDocument.Epochs.Rules.allCases.map(\.rawValue)
        if case .text = node.value {
            return .init(.init(rawValue: try node.word(of: words)) ?? .standard)
        }
        let object = try node.object(["rules", "every"])
        let rules = try object.optional("rules")?.word(of: words) ?? "standard"
        return ScenarioDocument.Epochs(
            .init(rawValue: rules) ?? .standard,
            every: try object.seconds("every", in: 0.1...Self.longest)
        )
    }

    // MARK: What goes wrong

    private func readFaults() throws(DocumentError) -> [ScenarioDocument.Fault] {
        var faults: [ScenarioDocument.Fault] = []
        for entry in try root.optional("faults")?.list(limit: Self.entryLimit) ?? [] {
            let object = try entry.object(["at", "device", "model", "kind", "factor", "for"])
            let word = try object.required("kind")
            let words = ["lost", "slow", "failedLoad", "hangs", "deaf"]
            let kind: ScenarioDocument.Fault.Kind
            switch try word.word(of: words) {
            case "lost": kind = .lost(try device(object))
            case "slow":
                let factor = try object.required("factor").number(in: 1...1_000)
                kind = .slow(try device(object), milli: Int32((factor * 1_000).rounded()))
            case "failedLoad": kind = .failedLoad(try modelOfFault(object))
            case "deaf": kind = .deaf(try modelOfFault(object))
            default: kind = .hangs(try modelOfFault(object))
            }
            if case .slow = kind {
            } else if let factor = object.optional("factor") {
                throw factor.wrong("belongs to the kind 'slow' alone")
            }
            let at = try object.required("at").number(in: 0...Self.longest)
            faults.append(
                ScenarioDocument.Fault(
                    kind: kind,
                    at: .milliseconds(rounding: at * 1_000),
                    duration: try object.seconds("for", in: 1e-6...Self.longest)
                )
            )
        }
        return faults
    }

    private func device(_ object: DocumentObject) throws(DocumentError) -> DeviceID {
        if let extra = object.optional("model") { throw extra.wrong("this kind hits a device") }
        let node = try object.required("device")
        let name = try node.string()
        guard let device = devices.first(where: { $0.name == name }) else {
            throw node.unknown(name, among: devices.map(\.name))
        }
        return device.id
    }

    private func modelOfFault(_ object: DocumentObject) throws(DocumentError) -> ModelID {
        if let extra = object.optional("device") { throw extra.wrong("this kind hits a model") }
        return try id(of: try object.required("model"))
    }

    /// The model that a node names.
    func id(of node: DocumentNode) throws(DocumentError) -> ModelID {
        let name = try node.string()
        guard let model = models.first(where: { $0.name == name }) else {
            throw node.unknown(name, among: models.map(\.name))
        }
        return model.id
    }

    private func readNoise() throws(DocumentError) -> ScenarioDocument.Noise {
        var noise = ScenarioDocument.Noise()
        guard let node = root.optional("noise") else { return noise }
        if case .number = node.value {
            noise.spread = try node.number(in: 0...1)
            return noise
        }
        let object = try node.object(["spread", "contention", "strength"])
        noise.spread = try object.optional("spread")?.number(in: 0...1) ?? 0
        if let word = object.optional("contention") {
            let words = ScenarioDocument.Noise.Contention.allCases.map(\.rawValue)
            noise.contention = .init(rawValue: try word.word(of: words)) ?? .described
        }
        noise.strength = try object.optional("strength")?.number(in: 0...100) ?? 1
        return noise
    }
}

extension ScenarioDocument {
    /// Reads a scenario from YAML or JSON, and every file that it names.
    ///
    /// - Parameters:
    ///   - bytes: The scenario.
    ///   - source: Its name, for messages.
    ///   - folder: Where the paths in it count from.
    ///   - estimates: What stands in for descriptions of devices, and, where `profiles` lists the
    ///     word `presets`, for profiles.
    public init(
        reading bytes: [UInt8],
        source: String,
        folder: DocumentFolder,
        estimates: Estimates = .none
    ) throws(DocumentError) {
        var reader = try ScenarioReader(
            bytes,
            source: source,
            folder: folder,
            estimates: estimates
        )
        self = try reader.read()
    }
}
