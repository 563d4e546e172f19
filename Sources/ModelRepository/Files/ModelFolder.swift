import ServerRuntime

/// A model's folder and the repository that it must not lead out of.
struct ModelFolder: Hashable, Sendable {
    /// The model's name.
    var name: String
    /// The folder, links followed.
    var path: String
    /// The repository's folder, links followed.
    var root: String

    /// The file at a relative path; nil = none. Throws if the path leads out of the repository.
    func file(_ relative: String, what: String) throws(SourceError) -> String? {
        try SafePath.resolve(relative, in: path, root: root, what: what)
    }

    /// The numbers of the version folders, ascending.
    ///
    /// As in Triton, folders that are no whole numbers, or begin with 0, are none.
    func versions(_ limits: RepositoryLimits) throws(SourceError) -> [Int64] {
        var numbers: [Int64] = []
        for entry in try FileAccess.names(in: path, atMost: limits.folderEntries) {
            guard let first = entry.utf8.first, first != UInt8(ascii: "0"),
                entry.utf8.allSatisfy({ Ascii.isDigit($0) }), let number = Int64(entry),
                FileAccess.look(path + "/" + entry)?.kind == .folder
            else { continue }
            numbers.append(number)
        }
        return numbers.sorted()
    }

    /// The model file of a version: a file, or a folder that holds `model.onnx`.
    func artifact(
        _ version: Int64,
        file: String,
        _ limits: RepositoryLimits
    ) throws(SourceError) -> String {
        let relative = "\(version)/\(file)"
        guard let path = try self.file(relative, what: "default_model_filename"),
            let entry = FileAccess.look(path)
        else {
            throw SourceError(
                .invalid,
                "version \(version) has no '\(file)'; put the ONNX file at '\(relative)' or set "
                    + "default_model_filename"
            )
        }
        // External data lies beside the model's file; none of it may be a link out either.
        try checkLinks(in: "\(version)", limits)
        switch entry.kind {
        case .file:
            guard entry.bytes > 0 else {
                throw SourceError(.invalid, "'\(relative)' is empty; export the model again")
            }
        case .folder:
            let inner = relative + "/model.onnx"
            guard let model = try self.file(inner, what: "default_model_filename"),
                let found = FileAccess.look(model), found.kind == .file, found.bytes > 0
            else {
                throw SourceError(
                    .invalid,
                    "'\(relative)' is a folder without a model.onnx; put the ONNX file at "
                        + "'\(inner)'"
                )
            }
            try checkLinks(in: relative, limits)
        case .other:
            throw SourceError(
                .invalid,
                "'\(relative)' is neither a file nor a folder; put the ONNX file there"
            )
        }
        return path
    }

    private func checkLinks(in relative: String, _ limits: RepositoryLimits) throws(SourceError) {
        let folder = path + "/" + relative
        for name in try FileAccess.names(in: folder, atMost: limits.folderEntries) {
            _ = try file(relative + "/" + name, what: "file")
        }
    }

    /// The lines of a label file; the last ones may be empty.
    func labels(_ relative: String, _ limits: RepositoryLimits) throws(SourceError) -> [String] {
        guard let path = try file(relative, what: "label_filename") else {
            throw SourceError(
                .invalid,
                "label file '\(relative)' is missing; put it into the model's folder or take "
                    + "label_filename out"
            )
        }
        let bytes = try FileAccess.read(path, atMost: limits.labelBytes)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw SourceError(.invalid, "label file '\(relative)' is not UTF-8; convert it")
        }
        var labels = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
            .map { String($0) }
        while labels.last?.isEmpty == true { labels.removeLast() }
        return labels
    }
}
