import ServerRuntime

/// The folders of one or more repositories and the models in them.
struct RepositoryFolders: Sendable {
    /// The repositories, links followed, each once.
    let roots: [String]
    private let limits: RepositoryLimits

    init(_ paths: [String], _ limits: RepositoryLimits) throws(SourceError) {
        var roots: [String] = []
        for path in paths {
            guard let real = FileAccess.real(path) else {
                throw SourceError(
                    .unreadable,
                    "model repository '\(path)' can't be opened: \(FileAccess.reason()); give an "
                        + "existing folder with --model-repository"
                )
            }
            guard FileAccess.look(real)?.kind == .folder else {
                throw SourceError(
                    .unreadable,
                    "model repository '\(path)' is not a folder; give the folder that holds the "
                        + "models' folders"
                )
            }
            if !roots.contains(real) { roots.append(real) }
        }
        guard !roots.isEmpty else {
            throw SourceError(.invalid, "no model repository; give one with --model-repository")
        }
        self.roots = roots
        self.limits = limits
    }

    /// The names of all folders in the repositories, sorted, each once.
    func names() throws(SourceError) -> [String] {
        var names: Set<String> = []
        for root in roots {
            for name in try FileAccess.names(in: root, atMost: limits.models)
            where FileAccess.look(root + "/" + name)?.kind == .folder {
                names.insert(name)
            }
        }
        return names.sorted()
    }

    /// The one folder of a model.
    func find(_ name: String) throws(SourceError) -> ModelFolder {
        if let flaw = SafePath.flaw(ofModelName: name) {
            throw SourceError(
                .notFound,
                "'\(OneLine.of(String(name.prefix(128))))' can't be a model's name: "
                    + "\(flaw); rename its folder"
            )
        }
        var found: [ModelFolder] = []
        for root in roots {
            let link = root + "/" + name
            guard FileAccess.look(link)?.kind == .folder else { continue }
            let path = try SafePath.resolve(name, in: root, root: root, what: "model folder")
            if let path { found.append(ModelFolder(name: name, path: path, root: root)) }
        }
        guard let folder = found.first else {
            throw SourceError(
                .notFound,
                "there is no model '\(name)' in \(roots.joined(separator: ", "))"
            )
        }
        guard found.count == 1 else {
            let places = found.map(\.root).joined(separator: " and ")
            throw SourceError(
                .invalid,
                "model '\(name)' is in \(places); rename or remove one of them"
            )
        }
        return folder
    }
}
