import ServerRuntime
import ServingDomain

/// Reads one model: its configuration, its files and what they come to.
struct ModelReader {
    /// What reading a model came to.
    struct Reading {
        /// What became of every field, and what is wrong.
        var findings: [ConfigFinding]
        /// The file that the positions speak of.
        var source: String
        /// The model; nil if something is wrong, or if tensors are left to a file that nobody
        /// opened.
        var definition: ModelDefinition?

        /// The first finding that keeps the model from being served, as an error.
        func failure(of name: String) -> SourceError? {
            guard let fatal = findings.first(where: { $0.verdict.isFatal }) else { return nil }
            let place = fatal.position.map { "\(source):\($0.line):\($0.column): " } ?? ""
            let field = fatal.field.isEmpty ? "" : "\(fatal.field): "
            let more = findings.filter(\.verdict.isFatal).count - 1
            let rest = more > 0 ? " (and \(more) more; sluice check lists them)" : ""
            return SourceError(
                fatal.verdict == .refused ? .unsupported : .invalid,
                "model '\(name)': \(place)\(field)\(fatal.note)\(rest)"
            )
        }
    }

    /// Where a configuration came from.
    struct Text {
        var bytes: [UInt8]
        var dialect: TextDialect
        /// The name of the file, for messages.
        var source: String
    }

    let folder: ModelFolder
    let defaultMaxBatch: Int64
    let limits: RepositoryLimits
    private var findings = Findings()

    init(_ folder: ModelFolder, defaultMaxBatch: Int64, _ limits: RepositoryLimits) {
        self.folder = folder
        self.defaultMaxBatch = defaultMaxBatch
        self.limits = limits
    }

    /// Reads the model by a configuration; nil = there is none.
    ///
    /// - Parameter inspect: Tells what a file declares; throws nil where nobody can open files.
    mutating func read(
        _ text: Text?,
        inspect: (ModelArtifact) throws(EngineError) -> DeclaredSignature?
    ) throws(SourceError) -> Reading {
        let definition = try define(text, inspect: inspect)
        return Reading(
            findings: findings.all,
            source: text?.source ?? "config.pbtxt",
            definition: findings.fatal == nil ? definition : nil
        )
    }

    private mutating func define(
        _ text: Text?,
        inspect: (ModelArtifact) throws(EngineError) -> DeclaredSignature?
    ) throws(SourceError) -> ModelDefinition? {
        guard var config = parse(text) else { return nil }
        FieldReport.add(config, to: &findings)
        checkName(config)
        PlatformRule.check(config, &findings)
        // The fields below say nothing useful about a model that another engine would run.
        if findings.fatal != nil { return nil }
        let there = try folder.versions(limits)
        let versions = VersionRule.choose(config, from: there, limits, &findings)
        checkBatch(config)
        if EnsembleRule.isEnsemble(config) { return ensemble(config, versions) }
        let options = options(config)
        var artifacts: [ModelArtifact] = []
        for version in versions {
            if let artifact = artifact(version, config, options) { artifacts.append(artifact) }
        }
        // What the file declares is asked for only where all that comes before is right.
        let files = findings.fatal == nil ? self.inspect(artifacts, inspect) : []
        if let newest = files.last {
            SignatureCompletion.complete(
                &config,
                from: newest,
                defaultMaxBatch: defaultMaxBatch,
                &findings
            )
        } else if SignatureCompletion.lacksTensors(config) {
            if findings.fatal == nil {
                findings.mapped("input", "left out: the model's file is asked when it is loaded")
            }
            return nil
        }
        return build(config, artifacts, files, options)
    }

    /// A model that calls others: it has versions, but no files.
    private mutating func ensemble(
        _ config: ConfigMessage,
        _ versions: [Int64]
    ) -> ModelDefinition {
        let ensemble = EnsembleRule.map(config, &findings)
        let artifacts = versions.map { version in
            ModelArtifact(name: folder.name, version: version, path: "")
        }
        var definition = build(config, artifacts, [], [:])
        definition.ensemble = ensemble
        return definition
    }

    private mutating func parse(_ text: Text?) -> ConfigMessage? {
        guard let text else { return ConfigMessage(.modelConfig) }
        do throws(TextError) {
            let read = try ConfigReader.read(text.bytes, dialect: text.dialect, limits: limits.text)
            for field in read.unknown {
                let hint = field.nearest.map { "; did you mean '\($0)'?" } ?? ""
                let note = "nobody knows this field; it is kept and has no effect\(hint)"
                findings.add(ConfigFinding(field.path, .unknown, note, at: field.position))
            }
            return read.config
        } catch {
            findings.error("", error.message, at: error.position)
            return nil
        }
    }

    private mutating func checkName(_ config: ConfigMessage) {
        let name = config.string("name")
        guard !name.isEmpty, name != folder.name else { return }
        findings.error(
            "name",
            "'\(name)' is not the folder's name, '\(folder.name)'; make them equal or take the "
                + "name out",
            at: config.position("name")
        )
    }

    private mutating func checkBatch(_ config: ConfigMessage) {
        let size = config.int("max_batch_size")
        let position = config.position("max_batch_size")
        if size < 0 {
            findings.error("max_batch_size", "\(size) is below 0; give 0 or more", at: position)
        } else if size > limits.batch {
            findings.ignored(
                "max_batch_size",
                "\(size) is above the server's limit of \(limits.batch), which holds",
                at: position
            )
        }
    }

    /// What goes on to the engine.
    private func options(_ config: ConfigMessage) -> [String: String] {
        var silent = Findings()
        var options = OwnSettings.map(config, limits, &silent).options
        if let graph = config.message("optimization")?.message("graph") {
            options["optimization.graph.level"] = String(graph.int("level"))
        }
        return options
    }

    private mutating func artifact(
        _ version: Int64,
        _ config: ConfigMessage,
        _ options: [String: String]
    ) -> ModelArtifact? {
        do throws(SourceError) {
            let path = try folder.artifact(version, file: PlatformRule.file(config), limits)
            return ModelArtifact(
                name: folder.name,
                version: version,
                path: path,
                options: options,
                mark: try Fingerprint.of(folder, version: version, limits)
            )
        } catch {
            findings.error(
                "default_model_filename",
                error.message,
                at: config.position("default_model_filename")
            )
            return nil
        }
    }

    private mutating func inspect(
        _ artifacts: [ModelArtifact],
        _ inspect: (ModelArtifact) throws(EngineError) -> DeclaredSignature?
    ) -> [DeclaredSignature] {
        var files: [DeclaredSignature] = []
        for artifact in artifacts {
            do throws(EngineError) {
                guard let file = try inspect(artifact) else { return [] }
                files.append(file)
            } catch {
                findings.error("", "version \(artifact.version): \(error.message)")
                return []
            }
        }
        return files
    }

    private mutating func build(
        _ given: ConfigMessage,
        _ artifacts: [ModelArtifact],
        _ files: [DeclaredSignature],
        _ options: [String: String]
    ) -> ModelDefinition {
        var config = given
        let settings = OwnSettings.map(config, limits, &findings)
        let batched = config.int("max_batch_size") > 0
        var signature = ModelSignature(
            inputs: TensorRule.map(config, "input", limits, &findings),
            outputs: TensorRule.map(config, "output", limits, &findings),
            batched: batched
        )
        readLabels(config, &signature)
        for (artifact, file) in zip(artifacts, files) {
            FileCheck.compare(signature, config, with: file, version: artifact.version, &findings)
        }
        let rules = rules(config, settings)
        let warmups =
            findings.fatal == nil
            ? WarmupRule.map(config, signature, folder, limits, &findings) : []
        ConfigDefaults.fill(&config, name: folder.name, instances: Int64(rules.instances))
        var versions = artifacts
        for index in versions.indices { versions[index].signature = signature }
        var tags: [String: String] = [:]
        for entry in config.entries("metric_tags") {
            if case .string(let value) = entry.value { tags[entry.key] = value }
        }
        return ModelDefinition(
            name: folder.name,
            rules: rules,
            signature: signature,
            versions: versions,
            configJSON: ConfigJSON.encode(config),
            configBytes: ConfigWire.encode(config),
            warmups: warmups,
            metricTags: tags
        )
    }

    private mutating func readLabels(_ config: ConfigMessage, _ signature: inout ModelSignature) {
        for tensor in config.messages("output") {
            let file = tensor.string("label_filename")
            guard !file.isEmpty,
                let index = signature.outputs.firstIndex(where: {
                    $0.name == tensor.string("name")
                })
            else { continue }
            do throws(SourceError) {
                signature.outputs[index].labels = try folder.labels(file, limits)
            } catch {
                findings.error(
                    "output.label_filename",
                    error.message,
                    at: tensor.position("label_filename")
                )
            }
        }
    }

    private mutating func rules(_ config: ConfigMessage, _ settings: OwnSettings) -> ModelSpec {
        let batching = BatchingRule.map(config, settings, limits, &findings)
        let instances = InstanceRule.count(config, limits, &findings)
        let size = min(max(1, config.int("max_batch_size")), limits.batch)
        let most = settings.instanceLimit ?? instances
        if most < instances {
            findings.error(
                "parameters.instances.limit",
                "\(most) is below the \(instances) instances of instance_group; raise it"
            )
        }
        return ModelSpec(
            id: ModelID(0),
            name: folder.name,
            maxBatch: Int32(min(settings.batchLimit ?? size, size)),
            batching: batching.batching,
            priorities: batching.priorities,
            queues: batching.queues,
            slo: settings.slo,
            percentile: settings.percentile,
            instances: Int32(instances),
            instanceLimit: Int32(most),
            minShare: settings.minShare,
            maxShare: settings.maxShare
        )
    }
}
