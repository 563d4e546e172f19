import Documents
import Foundation
public import ServingDomain
import Synchronization

/// What a server has measured of model files: one profile file for each model file and each host,
/// found by digest and fingerprint, whatever the model is called. In a folder it is there for the
/// next start; without one in memory, for a model that goes and comes back.
///
/// Files that can't be read or don't fit count as not there, and the next measurement replaces
/// them. Cost: one digest per model file and change of it.
public final class ProfileArchive: Sendable {
    /// The most files that are kept; what is measured beyond is not.
    public static let fileLimit = 4_096
    /// The largest file that is read.
    static let sizeLimit = 1 << 20

    /// The folder's path; nil = memory.
    public let path: String?
    private let engine: String
    private let digests = Mutex<[String: (mark: String, digest: String)]>([:])
    /// One writer at a time: files are read, extended and written.
    private let writing = Mutex<Void>(())
    /// The files, by name, where there is no folder.
    private let remembered = Mutex<[String: Data]>([:])

    /// Opens the archive, and makes its folder where it is not there.
    ///
    /// - Parameters:
    ///   - path: The folder; nil = everything is kept in memory, while the archive lives.
    ///   - engine: The engine and its version, as in `onnxruntime 1.31.1`.
    /// - Throws: `ProfilerError` where the folder can't be made.
    public init(_ path: String?, engine: String) throws(ProfilerError) {
        if let path { _ = try ProfileFolder(path) }
        self.path = path
        self.engine = engine
    }

    /// The latencies of a model file that were measured on such a device; nil = none that hold.
    public func points(ofFile file: String, on device: DeviceSpec) -> [LatencySurface.Point]? {
        guard let digest = digest(of: file) else { return nil }
        return read(digest, device)?.1
    }

    /// Adds measured latencies; of two at one place the new one counts.
    ///
    /// - Throws: `ProfilerError` where they can't be written.
    public func keep(
        _ points: [LatencySurface.Point],
        ofFile file: String,
        named model: String,
        on device: DeviceSpec
    ) throws(ProfilerError) {
        guard !points.isEmpty, let digest = digest(of: file) else { return }
        let failure = writing.withLock { _ in
            do throws(ProfilerError) {
                try write(points, digest, model, device)
                return nil as ProfilerError?
            } catch {
                return error
            }
        }
        if let failure { throw failure }
    }

    private func write(
        _ points: [LatencySurface.Point],
        _ digest: String,
        _ model: String,
        _ device: DeviceSpec
    ) throws(ProfilerError) {
        var surface = LatencySurface(read(digest, device)?.1 ?? [])
        for point in points { surface.set(point) }
        var profile = Profile(
            model: model,
            device: device.kind,
            latency: surface.points.map { point in
                Profile.Row(
                    batch: point.batch,
                    share: 100 * device.fraction(of: point.units),
                    ms: point.latency.inMilliseconds,
                    instances: point.instances,
                    p99Ms: point.p99?.inMilliseconds
                )
            }
        )
        profile.digest = digest
        profile.fingerprint = fingerprint(of: device)
        try put(Data(profile.json()), file(digest, device))
    }

    private func read(
        _ digest: String,
        _ device: DeviceSpec
    ) -> (Profile, [LatencySurface.Point])? {
        let file = file(digest, device)
        guard let bytes = contents(file),
            let profile = try? Profile(reading: [UInt8](bytes), source: file),
            profile.digest == digest, profile.fingerprint == fingerprint(of: device),
            let surface = try? profile.surface(on: device)
        else { return nil }
        return (profile, surface.points)
    }

    func fingerprint(of device: DeviceSpec) -> String {
        HostFingerprint.of(cores: Int(device.units), engine: engine) + ", \(device.kind)"
    }

    private func file(_ digest: String, _ device: DeviceSpec) -> String {
        let model = digest.split(separator: ":").last.map(String.init) ?? digest
        return "\(model)-\(FileDigest.of(text: fingerprint(of: device))).json"
    }

    // MARK: Files

    /// The bytes of the file of this name; nil where there is none, or none that is to be believed.
    func contents(_ name: String) -> Data? {
        guard let path else { return remembered.withLock { $0[name] } }
        let file = path + "/" + name
        let size = (try? FileManager.default.attributesOfItem(atPath: file)[.size]) as? Int
        guard let size, size <= Self.sizeLimit else { return nil }
        return FileManager.default.contents(atPath: file)
    }

    /// Whether there is a file of this name.
    func holds(_ name: String) -> Bool {
        guard let path else { return remembered.withLock { $0[name] != nil } }
        return FileManager.default.fileExists(atPath: path + "/" + name)
    }

    /// Writes a file in place of the one that may be there.
    func put(_ bytes: Data, _ name: String) throws(ProfilerError) {
        let kept = holds(name) ? 0 : count
        guard kept < Self.fileLimit else {
            throw ProfilerError(
                "'\(path ?? "memory")' holds \(kept) profiles, the limit is \(Self.fileLimit); "
                    + (path == nil ? "further ones are forgotten" : "delete old ones")
            )
        }
        guard let path else { return remembered.withLock { $0[name] = bytes } }
        let file = path + "/" + name
        do {
            try bytes.write(to: URL(fileURLWithPath: file), options: .atomic)
        } catch {
            throw ProfilerError("'\(file)' can't be written: \(error.localizedDescription)")
        }
    }

    /// How many files there are.
    private var count: Int {
        guard let path else { return remembered.withLock { $0.count } }
        return (try? FileManager.default.contentsOfDirectory(atPath: path).count) ?? 0
    }

    /// The digest of a file, computed anew when its size or time of change is another.
    private func digest(of file: String) -> String? {
        guard let facts = try? FileManager.default.attributesOfItem(atPath: file) else {
            return nil
        }
        let changed = (facts[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
        let mark = "\(facts[.size] ?? 0)-\(changed)"
        if let known = digests.withLock({ $0[file] }), known.mark == mark { return known.digest }
        guard let digest = try? FileDigest.of(file) else { return nil }
        digests.withLock { digests in
            if digests.count > Self.fileLimit { digests.removeAll() }
            digests[file] = (mark, digest)
        }
        return digest
    }
}
