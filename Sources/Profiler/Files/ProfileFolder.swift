public import Documents
import Foundation

/// The folder that holds profiles: `<model>.json` each, and `pairs.json`.
public struct ProfileFolder: Sendable {
    /// The folder's path.
    public let path: String

    /// Makes the folder where it is not there.
    public init(_ path: String) throws(ProfilerError) {
        self.path = path
        do {
            try FileManager.default.createDirectory(
                atPath: path,
                withIntermediateDirectories: true
            )
        } catch {
            throw ProfilerError("the folder '\(path)' can't be made: \(error.localizedDescription)")
        }
    }

    /// The profile of a model that is there already and still holds: same file, same host, every
    /// wanted point. nil where it must be measured again, also when it can't be read.
    ///
    /// - Parameter points: Batches and shares that must be there.
    public func kept(
        _ model: String,
        digest: String,
        fingerprint: String,
        points: [(batch: Int32, share: Double)]
    ) -> Profile? {
        guard let bytes = FileManager.default.contents(atPath: file(model)),
            let profile = try? Profile(reading: [UInt8](bytes), source: file(model)),
            profile.model == model, profile.digest == digest,
            profile.fingerprint == fingerprint
        else { return nil }
        let isWhole = points.allSatisfy { point in
            profile.latency.contains {
                $0.batch == point.batch && abs($0.share - point.share) < 1e-6 && $0.instances == 1
            }
        }
        return isWhole ? profile : nil
    }

    /// The pairs that are there already and were measured on the same host.
    public func keptPairs(fingerprint: String) -> CoRunPairs? {
        guard let bytes = FileManager.default.contents(atPath: pairsFile),
            let pairs = try? CoRunPairs(reading: [UInt8](bytes), source: pairsFile),
            pairs.fingerprint == fingerprint
        else { return nil }
        return pairs
    }

    /// Writes a profile; the file appears whole or not at all.
    public func write(_ profile: Profile) throws(ProfilerError) {
        try write(profile.json(), to: file(profile.model))
    }

    /// Writes the pairs; the file appears whole or not at all.
    public func write(_ pairs: CoRunPairs) throws(ProfilerError) {
        try write(pairs.json(), to: pairsFile)
    }

    /// Where a model's profile stands.
    public func file(_ model: String) -> String { "\(path)/\(model).json" }

    /// Where the pairs stand.
    public var pairsFile: String { "\(path)/\(DocumentFolder.besidesProfiles.pairs)" }

    func write(_ bytes: [UInt8], to file: String) throws(ProfilerError) {
        do {
            try Data(bytes).write(to: URL(fileURLWithPath: file), options: .atomic)
        } catch {
            throw ProfilerError("'\(file)' can't be written: \(error.localizedDescription)")
        }
    }
}
