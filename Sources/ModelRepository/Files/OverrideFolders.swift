import Foundation
import ServerRuntime
import Synchronization

/// Writes the files that load requests bring into private folders, and takes them away again.
///
/// A model keeps its last two folders: while a new one is loaded, instances of the old one may
/// still open its files. All of them go when the repository goes.
final class OverrideFolders: Sendable {
    private let kept = Mutex<[String: [String]]>([:])
    private let limits: RepositoryLimits

    init(_ limits: RepositoryLimits) { self.limits = limits }

    deinit {
        for folder in kept.withLock({ $0.values.flatMap(\.self) }) { Self.remove(folder) }
    }

    /// The folder with the files of one load request.
    ///
    /// - Parameter files: By path below the model's folder, such as `1/model.onnx`; a leading
    ///   `file:` is taken off.
    func write(_ name: String, _ files: [String: [UInt8]]) throws(SourceError) -> ModelFolder {
        let total = files.values.reduce(0) { $0 + $1.count }
        guard files.count <= limits.overrideFiles, total <= limits.overrideBytes else {
            throw SourceError(
                .invalid,
                "the load request brings \(files.count) files of \(total) bytes, the limit is "
                    + "\(limits.overrideFiles) files of \(limits.overrideBytes) bytes; put the "
                    + "model into the repository instead"
            )
        }
        let folder = try makeFolder()
        do throws(SourceError) {
            for (key, bytes) in files.sorted(by: { $0.key < $1.key }) {
                try Self.write(bytes, key, folder)
            }
        } catch {
            Self.remove(folder)
            throw error
        }
        return ModelFolder(name: name, path: folder, root: folder)
    }

    /// Keeps a folder for as long as the model may need it.
    func keep(_ folder: ModelFolder) {
        let old = kept.withLock { kept in
            kept[folder.name, default: []].append(folder.path)
            let count = kept[folder.name]?.count ?? 0
            return count > 2 ? kept[folder.name]?.removeFirst() : nil
        }
        if let old { Self.remove(old) }
    }

    /// Takes away a folder whose model was not read after all.
    func discard(_ folder: ModelFolder) { Self.remove(folder.path) }

    private func makeFolder() throws(SourceError) -> String {
        let place = FileManager.default.temporaryDirectory.path
        let path = "\(place)/sluice-load-\(UUID().uuidString)"
        // For this user alone; what is there already, a link too, is an error.
        guard mkdir(path, 0o700) == 0 else {
            throw SourceError(
                .unreadable,
                "no folder can be made in '\(place)' for the load request's files: "
                    + "\(FileAccess.reason()); set TMPDIR to one that can be written"
            )
        }
        return FileAccess.real(path) ?? path
    }

    private static func write(
        _ bytes: [UInt8],
        _ key: String,
        _ folder: String
    ) throws(SourceError) {
        let relative = key.hasPrefix("file:") ? String(key.dropFirst(5)) : key
        let parts = relative.split(separator: "/")
        if let flaw = SafePath.flaw(ofRelative: relative) ?? (parts.count > 4 ? "too deep" : nil) {
            throw SourceError(
                .invalid,
                "file '\(OneLine.of(String(relative.prefix(128))))' of the load request is "
                    + "refused: \(flaw); name it "
                    + "file:<version>/<name>"
            )
        }
        let path = folder + "/" + relative
        do {
            try FileManager.default.createDirectory(
                atPath: (path as NSString).deletingLastPathComponent,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
            try Data(bytes).write(to: URL(fileURLWithPath: path), options: .withoutOverwriting)
        } catch {
            throw SourceError(
                .unreadable,
                "file '\(relative)' of the load request can't be written: "
                    + "\(error.localizedDescription); make room or set TMPDIR"
            )
        }
    }

    private static func remove(_ folder: String) {
        // Nothing depends on it: what stays is one folder in the temporary place.
        try? FileManager.default.removeItem(atPath: folder)
    }
}
