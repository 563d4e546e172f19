import Foundation
import ServingDomain
public import Workloads

/// Files on disk, as documents that name other files need them: paths count from a folder.
public struct DocumentFolder: Hashable, Sendable {
    /// The largest file that is read here, in bytes: traces may be long.
    public static let byteLimit = 1 << 30
    /// The most files of a folder of profiles.
    public static let fileLimit = 65_536

    /// The folder's path.
    public let path: String

    /// Names a folder, which need not be there yet.
    public init(_ path: String) { self.path = path.isEmpty ? "." : path }

    /// The folder that a file lies in.
    public init(of file: String) {
        self.init((file as NSString).deletingLastPathComponent)
    }

    /// The path of a file that a document in this folder names.
    public func resolve(_ name: String) -> String {
        name.hasPrefix("/") || path == "." ? name : path + "/" + name
    }

    /// The bytes of a file.
    ///
    /// - Throws: `DocumentError` where it is not there, can't be read or is too large.
    public func read(_ name: String) throws(DocumentError) -> [UInt8] {
        let place = resolve(name)
        func wrong(_ what: String) -> DocumentError {
            DocumentError(source: place, line: nil, path: "", what: what)
        }
        var isFolder = ObjCBool(false)
        guard FileManager.default.fileExists(atPath: place, isDirectory: &isFolder) else {
            throw wrong("there is no such file; name one that exists")
        }
        guard !isFolder.boolValue else { throw wrong("is a folder; name a file") }
        guard let handle = FileHandle(forReadingAtPath: place) else {
            throw wrong("can't be read; check its permissions")
        }
        defer { try? handle.close() }
        let data: Data
        do { data = try handle.read(upToCount: Self.byteLimit + 1) ?? Data() } catch {
            throw wrong("can't be read: \(error.localizedDescription)")
        }
        guard data.count <= Self.byteLimit else {
            throw wrong("is larger than \(Self.byteLimit) bytes, the limit")
        }
        return [UInt8](data)
    }

    /// Whether `name` is a folder.
    public func isFolder(_ name: String) -> Bool {
        var isFolder = ObjCBool(false)
        let exists = FileManager.default.fileExists(
            atPath: resolve(name),
            isDirectory: &isFolder
        )
        return exists && isFolder.boolValue
    }

    /// The JSON and YAML files of a folder and those below it, in the order of their names.
    public func documents(in name: String) throws(DocumentError) -> [String] {
        let place = resolve(name)
        func wrong(_ what: String) -> DocumentError {
            DocumentError(source: place, line: nil, path: "", what: what)
        }
        guard let walk = FileManager.default.enumerator(atPath: place) else {
            throw wrong("can't be listed; name a folder that exists")
        }
        var found: [String] = []
        for case let file as String in walk {
            let kind = (file as NSString).pathExtension
            guard ["json", "yaml", "yml"].contains(kind) else { continue }
            guard found.count < Self.fileLimit else {
                throw wrong("has more than \(Self.fileLimit) files, the limit")
            }
            found.append(name.hasSuffix("/") ? name + file : name + "/" + file)
        }
        guard !found.isEmpty else { throw wrong("has no file that ends in .json, .yaml or .yml") }
        return found.sorted()
    }

    /// What `sluice profile` writes beside the profiles: co-runs, what was measured of the device
    /// itself, and the device's description.
    public static let besidesProfiles = (
        pairs: "pairs.json", measurements: "measurements.json", kind: "kind.json"
    )

    /// All profiles of a folder, or the one of a file.
    public func profiles(in name: String) throws(DocumentError) -> ProfileLibrary {
        var library = ProfileLibrary()
        try addProfiles(in: name, to: &library)
        return library
    }

    /// Adds all profiles of a folder, or the one of a file.
    public func addProfiles(
        in name: String,
        to library: inout ProfileLibrary
    ) throws(DocumentError) {
        let files = isFolder(name) ? try documents(in: name) : [name]
        let others = [
            Self.besidesProfiles.pairs, Self.besidesProfiles.measurements,
            Self.besidesProfiles.kind,
        ]
        for file in files
        where files.count == 1 || !others.contains((file as NSString).lastPathComponent) {
            let bytes = try read(file)
            try library.add(Profile(reading: bytes, source: resolve(file)), source: resolve(file))
        }
    }

    /// A trace of arrivals.
    public func trace(_ name: String) throws(DocumentError) -> Trace {
        let bytes = try read(name)
        do throws(TraceError) { return try Trace(parsing: bytes) } catch {
            throw DocumentError(source: resolve(name), line: error.line, path: "", what: error.what)
        }
    }
}
