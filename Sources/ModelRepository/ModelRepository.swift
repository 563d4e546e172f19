public import Logging
public import ServerRuntime

/// Models in folders as Triton lays them out: `<repository>/<model>/config.pbtxt` and
/// `<repository>/<model>/<version>/model.onnx`.
///
/// Every call reads the disk anew and may block; it keeps nothing but the files that load requests
/// brought, in private temporary folders, which go with it.
public final class ModelRepository: ModelSource {
    private let folders: RepositoryFolders
    private let overrides: OverrideFolders
    private let configName: String?
    private let defaultMaxBatch: Int64
    private let limits: RepositoryLimits
    private let logger: Logger?

    /// Opens one or more repositories.
    ///
    /// - Parameters:
    ///   - paths: The repositories' folders.
    ///   - configName: The configuration to take from a model's `configs/<name>.pbtxt`, where it
    ///     has one (`--model-config-name`).
    ///   - defaultMaxBatch: The `max_batch_size` of a model that can take batches and does not say
    ///     how large; 0 = it takes none (`default-max-batch-size`).
    ///   - limits: What is refused beyond.
    ///   - logger: Where fields that are unknown or have no effect are named.
    public init(
        paths: [String],
        configName: String? = nil,
        defaultMaxBatch: Int64 = 4,
        limits: RepositoryLimits = RepositoryLimits(),
        logger: Logger? = nil
    ) throws(SourceError) {
        if let configName, let flaw = SafePath.flaw(ofModelName: configName) {
            throw SourceError(
                .invalid,
                "--model-config-name '\(configName.prefix(128))' is refused: \(flaw)"
            )
        }
        guard (0...limits.batch).contains(defaultMaxBatch) else {
            throw SourceError(
                .invalid,
                "default-max-batch-size must be from 0 to \(limits.batch), not \(defaultMaxBatch)"
            )
        }
        folders = try RepositoryFolders(paths, limits)
        overrides = OverrideFolders(limits)
        self.configName = configName
        self.defaultMaxBatch = defaultMaxBatch
        self.limits = limits
        self.logger = logger
    }

    /// The names of all models there, sorted.
    public func names() throws(SourceError) -> [String] {
        let names = try folders.names()
        guard names.count <= limits.models else {
            throw SourceError(
                .invalid,
                "there are \(names.count) models, the limit is \(limits.models); serve fewer"
            )
        }
        return names
    }

    /// Reads a model and finds the versions to serve; see `ModelSource`.
    public func read(
        _ name: String,
        override: LoadOverride?,
        inspect: (ModelArtifact) throws(EngineError) -> DeclaredSignature
    ) throws(SourceError) -> ModelDefinition {
        let folder = try folder(of: name, override)
        let isPrivate = !(override?.files.isEmpty ?? true)
        do throws(SourceError) {
            let reading = try reading(folder, override) {
                (artifact) throws(EngineError) -> DeclaredSignature? in try inspect(artifact)
            }
            log(reading, of: name)
            if let failure = reading.failure(of: name) { throw failure }
            guard let definition = reading.definition else {
                throw SourceError(.invalid, "model '\(name)' leaves its tensors to a missing file")
            }
            if isPrivate { overrides.keep(folder) }
            return definition
        } catch {
            if isPrivate { overrides.discard(folder) }
            throw error
        }
    }

    /// A value that changes when a file of the model is added, taken away, replaced or written.
    public func fingerprint(_ name: String) throws(SourceError) -> UInt64 {
        try Fingerprint.of(folders.find(name), limits)
    }

    // MARK: Inside

    /// Reads a model of the repository and keeps what became of each field.
    func reading(
        _ folder: ModelFolder,
        _ override: LoadOverride?,
        inspect: (ModelArtifact) throws(EngineError) -> DeclaredSignature?
    ) throws(SourceError) -> ModelReader.Reading {
        let text = try text(of: folder, override)
        var reader = ModelReader(folder, defaultMaxBatch: defaultMaxBatch, limits)
        return try reader.read(text, inspect: inspect)
    }

    /// The folder of a model in the repository.
    func find(_ name: String) throws(SourceError) -> ModelFolder { try folders.find(name) }

    private func folder(
        of name: String,
        _ override: LoadOverride?
    ) throws(SourceError) -> ModelFolder {
        guard let override, !override.files.isEmpty else { return try folders.find(name) }
        guard override.config != nil else {
            throw SourceError(
                .invalid,
                "model '\(name)': the load request brings files without a configuration; add the "
                    + "parameter 'config'"
            )
        }
        if let flaw = SafePath.flaw(ofModelName: name) {
            throw SourceError(
                .invalid,
                "'\(OneLine.of(String(name.prefix(128))))' can't be a model's name: \(flaw)"
            )
        }
        return try overrides.write(name, override.files)
    }

    private func text(
        of folder: ModelFolder,
        _ override: LoadOverride?
    ) throws(SourceError) -> ModelReader.Text? {
        if let config = override?.config {
            return ModelReader.Text(
                bytes: Array(config.utf8),
                dialect: .json,
                source: "the load request's config"
            )
        }
        var candidates = ["config.pbtxt"]
        if let configName { candidates.insert("configs/\(configName).pbtxt", at: 0) }
        for candidate in candidates {
            guard let path = try folder.file(candidate, what: "configuration") else { continue }
            return ModelReader.Text(
                // One more byte, so that the parser names the limit and the next step.
                bytes: try FileAccess.read(path, atMost: limits.configBytes + 1),
                dialect: .protobufText,
                source: candidate
            )
        }
        return nil
    }

    private func log(_ reading: ModelReader.Reading, of name: String) {
        guard let logger else { return }
        for finding in reading.findings {
            let place = finding.position.map { "\(reading.source):\($0.line): " } ?? ""
            let line = "model '\(name)': \(place)\(finding.field): \(finding.note)"
            switch finding.verdict {
            case .unknown: logger.warning("\(line)")
            case .ignored: logger.info("\(line)")
            case .mapped, .refused, .error: break
            }
        }
    }
}
