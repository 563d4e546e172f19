import ServerRuntime

/// Keeps every file that a configuration names inside the repository.
enum SafePath {
    /// Whether a name may be a model's.
    ///
    /// - Returns: nil if it may, else what is wrong with it.
    static func flaw(ofModelName name: String) -> String? {
        if name.isEmpty { return "it is empty" }
        if name.utf8.count > 255 { return "it is longer than 255 bytes" }
        if name.hasPrefix(".") { return "it begins with a dot" }
        if name == "stats" { return "the address /v2/models/stats is taken by the statistics" }
        let isPlain = name.unicodeScalars.allSatisfy {
            $0.value >= 0x20 && $0.value != 0x7F && !"/\\\u{FFFD}".unicodeScalars.contains($0)
        }
        return isPlain ? nil : "it has / or \\ or characters that can't be seen"
    }

    /// Checks a relative path without looking at the disk.
    ///
    /// - Returns: nil if it stays below its folder, else what is wrong with it.
    static func flaw(ofRelative path: String) -> String? {
        if path.isEmpty { return "it is empty" }
        if path.utf8.count > 1_024 { return "it is longer than 1,024 bytes" }
        if path.utf8.contains(0) { return "it has a zero byte" }
        if path.hasPrefix("/") { return "it is not relative to the model's folder" }
        for part in path.split(separator: "/", omittingEmptySubsequences: false) {
            if part == ".." { return "it leads out of the model's folder" }
            if part.isEmpty || part == "." { return "it has an empty part" }
        }
        return nil
    }

    /// The real path of `relative` below `folder`, which must not lead out of `root`, links
    /// followed.
    ///
    /// - Parameter what: The setting that names the file, for messages.
    /// - Returns: nil if there is nothing at that path.
    static func resolve(
        _ relative: String,
        in folder: String,
        root: String,
        what: String
    ) throws(SourceError) -> String? {
        if let flaw = flaw(ofRelative: relative) {
            throw SourceError(
                .invalid,
                "\(what) '\(OneLine.of(String(relative.prefix(128))))' is refused: \(flaw); "
                    + "name a file inside the "
                    + "model's folder"
            )
        }
        let path = folder + "/" + relative
        guard let real = FileAccess.real(path) else { return nil }
        guard real == root || real.hasPrefix(root == "/" ? "/" : root + "/") else {
            throw SourceError(
                .invalid,
                "\(what) '\(relative)' leads out of the repository by a link; copy the file into "
                    + "the model's folder"
            )
        }
        return real
    }
}
