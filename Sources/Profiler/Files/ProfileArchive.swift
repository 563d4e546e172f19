import Documents
import Foundation
public import ServingDomain
import Synchronization

/// What a server has measured of model files, kept for its next start: one profile file for each
/// model file and each host, found by digest and fingerprint, whatever the model is called.
///
/// Files that can't be read or don't fit count as not there, and the next measurement replaces
/// them. Cost: one digest per model file and change of it.
public final class ProfileArchive: Sendable {
    /// The most files that are kept; what is measured beyond is not.
    public static let fileLimit = 4_096
    /// The largest file that is read.
    static let sizeLimit = 1 << 20

    /// The folder's path.
    public let path: String
    private let engine: String
    private let digests = Mutex<[String: (mark: String, digest: String)]>([:])
    /// One writer at a time: files are read, extended and written.
    private let writing = Mutex<Void>(())

    /// Opens the archive, and makes its folder where it is not there.
    ///
    /// - Parameter engine: The engine and its version, as in `onnxruntime 1.31.1`.
    /// - Throws: `ProfilerError` where the folder can't be made.
    public init(_ path: String, engine: String) throws(ProfilerError) {
        _ = try ProfileFolder(path)
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
        let file = file(digest, device)
        let kept = (try? FileManager.default.contentsOfDirectory(atPath: path).count) ?? 0
        if kept >= Self.fileLimit, !FileManager.default.fileExists(atPath: file) {
            throw ProfilerError(
                "'\(path)' holds \(kept) profiles, the limit is \(Self.fileLimit); delete old ones"
            )
        }
        do {
            try Data(profile.json()).write(to: URL(fileURLWithPath: file), options: .atomic)
        } catch {
            throw ProfilerError("'\(file)' can't be written: \(error.localizedDescription)")
        }
    }

    private func read(
        _ digest: String,
        _ device: DeviceSpec
    ) -> (Profile, [LatencySurface.Point])? {
        let file = file(digest, device)
        let size = (try? FileManager.default.attributesOfItem(atPath: file)[.size]) as? Int
        guard let size, size <= Self.sizeLimit,
            let bytes = FileManager.default.contents(atPath: file),
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
        return "\(path)/\(model)-\(FileDigest.of(text: fingerprint(of: device))).json"
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
