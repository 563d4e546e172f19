import Documents
import Foundation
public import ServingDomain

/// What co-runners were seen to cost on a kind of device of this host: a device description of
/// its own, beside the profiles.
extension ProfileArchive {
    /// A weight beyond this is none that was learned.
    static let weightLimit = 10.0

    /// Keeps what was learned, in place of what was kept before. What can't be believed is not
    /// kept.
    ///
    /// - Throws: `ProfilerError` where it can't be written.
    public func keep(
        _ contention: LossContention,
        on device: DeviceSpec
    ) throws(ProfilerError) {
        guard Self.isSound(contention) else { return }
        var description = DeviceDescription(kind: device.kind, units: device.units)
        description.contention = .loss(contention)
        description.sources = [fingerprint(of: device)]
        try put(Data(description.json()), contentionFile(device))
    }

    /// What was learned on such a device; nil = nothing was kept.
    ///
    /// - Throws: `ProfilerError` with one line where a file is there that can't be believed.
    public func contention(on device: DeviceSpec) throws(ProfilerError) -> LossContention? {
        let file = contentionFile(device)
        guard holds(file) else { return nil }
        guard let bytes = contents(file),
            let read = try? DeviceDescription(reading: [UInt8](bytes), source: file),
            read.kind == device.kind, read.units == device.units,
            read.sources == [fingerprint(of: device)],
            case .loss(let contention) = read.contention, Self.isSound(contention)
        else {
            throw ProfilerError(
                "'\(path ?? "memory")/\(file)' does not say what co-runners cost here; it is "
                    + "learned anew and the file replaced"
            )
        }
        return contention
    }

    private static func isSound(_ contention: LossContention) -> Bool {
        contention.weights.allSatisfy { $0.isFinite && abs($0) <= weightLimit }
    }

    private func contentionFile(_ device: DeviceSpec) -> String {
        "contention-\(FileDigest.of(text: fingerprint(of: device))).json"
    }
}
