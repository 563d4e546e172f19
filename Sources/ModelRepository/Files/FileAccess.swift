import Foundation
import ServerRuntime

/// Looks at files and folders with bounds, and never waits for a pipe or a device.
enum FileAccess {
    /// What stands behind a path, links followed.
    struct Entry: Hashable {
        /// The kinds that a model's folder may hold.
        enum Kind: Hashable { case file, folder, other }

        var kind: Kind
        var bytes: Int64
        /// The last change, in nanoseconds of the file system's clock.
        var changed: Int64
    }

    /// What stands behind a path; nil = nothing.
    static func look(_ path: String) -> Entry? {
        var info = stat()
        guard stat(path, &info) == 0 else { return nil }
        let kind: Entry.Kind =
            switch info.st_mode & S_IFMT {
            case S_IFREG: .file
            case S_IFDIR: .folder
            default: .other
            }
        let seconds = Int64(info.st_mtim.tv_sec)
        let changed = seconds &* 1_000_000_000 &+ Int64(info.st_mtim.tv_nsec)
        return Entry(kind: kind, bytes: Int64(info.st_size), changed: changed)
    }

    /// The names in a folder, sorted, hidden ones left out.
    static func names(in folder: String, atMost limit: Int) throws(SourceError) -> [String] {
        guard let stream = opendir(folder) else {
            throw SourceError(.unreadable, "folder '\(folder)' can't be read: \(reason())")
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasPrefix(".") { continue }
            guard names.count < limit else {
                throw SourceError(
                    .invalid,
                    "folder '\(folder)' has more than \(limit) entries; take some away"
                )
            }
            names.append(name)
        }
        return names.sorted()
    }

    /// The whole of a regular file.
    static func read(_ path: String, atMost limit: Int) throws(SourceError) -> [UInt8] {
        // Opening a pipe for reading would wait for its writer.
        let file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard file >= 0 else {
            throw SourceError(.unreadable, "file '\(path)' can't be read: \(reason())")
        }
        defer { close(file) }
        var info = stat()
        guard fstat(file, &info) == 0, info.st_mode & S_IFMT == S_IFREG else {
            throw SourceError(.invalid, "'\(path)' is not a file; put a regular file there")
        }
        guard info.st_size <= limit else {
            throw SourceError(
                .invalid,
                "file '\(path)' has \(info.st_size) bytes, the limit is \(limit); shorten it"
            )
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Int(info.st_size))
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Foundation.read(file, &chunk, chunk.count)
            if count == 0 { return bytes }
            guard count > 0 else {
                throw SourceError(.unreadable, "file '\(path)' can't be read: \(reason())")
            }
            bytes.append(contentsOf: chunk[..<count])
            guard bytes.count <= limit else {
                throw SourceError(.invalid, "file '\(path)' grew beyond \(limit) bytes")
            }
        }
    }

    /// The path without links and dots; nil = there is nothing.
    static func real(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// Why the last call of the system failed.
    static func reason() -> String { String(cString: strerror(errno)) }
}
