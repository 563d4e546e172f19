import Foundation
import Logging
import ModelZoo
import Planning
import Profiler
import ServerRuntime
import ServingDomain

/// What is known of model files on this machine's devices before they have run: profiles that were
/// handed over, on top of what earlier runs measured and kept, on top of what the device model
/// makes of the file's graph.
struct HostKnowledge: ModelKnowledge {
    /// The largest model file that is read for its costs.
    static let fileLimit = 1 << 31

    /// Where measurements are kept; nil = nowhere, since nobody plans by them.
    let archive: ProfileArchive?
    /// What `sluice profile` measured; nil = nothing was handed over.
    let profiles: MeasuredProfiles?
    /// Whether what nobody measured is guessed.
    let guesses: Bool
    let logger: Logger

    /// Where measurements are kept if nobody says.
    static var usualFolder: String? {
        let environment = ProcessInfo.processInfo.environment
        if let cache = environment["XDG_CACHE_HOME"], !cache.isEmpty {
            return cache + "/sluice/profiles"
        }
        return environment["HOME"].map { $0 + "/.cache/sluice/profiles" }
    }

    /// What co-runners on a socket's cores cost until the forecast has learned it: cores of one's
    /// own hardly disturb each other, the same cores are shared out (assumed; ResNet-50 on two
    /// single cores at once kept 100 % of its rate, two batches on one core half of it each).
    static let contention = [
        PlanInputs.KindContention(
            kind: "cpu",
            model: .loss(LossContention(weights: [0, 0, 0, 0, 0, 0, 0.5, 0, 0.2, 0.05]))
        )
    ]

    func profile(of artifact: ModelArtifact, on device: DeviceSpec) -> DeviceProfile? {
        let file = Self.file(of: artifact)
        var known = guess(of: artifact, file, device)
        if let kept = archive?.points(ofFile: file, on: device), !kept.isEmpty {
            let profile = DeviceProfile(kind: device.kind, surface: LatencySurface(kept))
            known?.take(profile)
            known = known ?? profile
        }
        // Last, so that it counts before what a server measured by the way.
        if let measured = profiles?.profile(ofFile: file, named: artifact.name, on: device) {
            known?.take(measured)
            known = known ?? measured
        }
        return known
    }

    func largestMeasured(
        of artifact: ModelArtifact,
        on device: DeviceSpec,
        units: Int32
    ) -> Int32? {
        let file = Self.file(of: artifact)
        let kept = archive?.points(ofFile: file, on: device) ?? []
        let given = profiles?.profile(ofFile: file, named: artifact.name, on: device)
        return (kept + (given?.surface.points ?? []))
            .filter { $0.units == units && $0.instances == 1 }
            .map(\.batch).max()
    }

    func keep(
        _ points: [LatencySurface.Point],
        of artifact: ModelArtifact,
        on device: DeviceSpec
    ) {
        do throws(ProfilerError) {
            try archive?.keep(
                points,
                ofFile: Self.file(of: artifact),
                named: artifact.name,
                on: device
            )
        } catch {
            logger.warning("a measurement is not kept: \(error.description)")
        }
    }

    func keep(_ contention: [PlanInputs.KindContention], on devices: [DeviceSpec]) {
        for entry in contention {
            guard case .loss(let loss) = entry.model,
                let device = devices.first(where: { $0.kind == entry.kind })
            else { continue }
            do throws(ProfilerError) {
                try archive?.keep(loss, on: device)
            } catch {
                logger.warning("what co-runners cost is not kept: \(error.description)")
            }
        }
    }

    /// What co-runners cost on `devices`, as earlier runs learned it; else as is assumed.
    func contention(on devices: [DeviceSpec]) -> [PlanInputs.KindContention] {
        var known = Self.contention
        for device in devices {
            do throws(ProfilerError) {
                guard let loss = try archive?.contention(on: device) else { continue }
                known.removeAll { $0.kind == device.kind }
                known.append(.init(kind: device.kind, model: .loss(loss)))
            } catch {
                logger.warning("\(error.description)")
            }
        }
        return known
    }

    private func guess(
        of artifact: ModelArtifact,
        _ file: String,
        _ device: DeviceSpec
    ) -> DeviceProfile? {
        guard guesses, device.kind == "cpu",
            let size = (try? FileManager.default.attributesOfItem(atPath: file)[.size]) as? Int,
            size <= Self.fileLimit, let data = FileManager.default.contents(atPath: file),
            let cost = try? CostReader.cost(ofModel: [UInt8](data), named: artifact.name)
        else { return nil }
        var profile = DevicePreset.cpu(cores: device.units).profile(of: cost)
        profile.estimatedUnits = Set(profile.surface.points.map(\.units)).sorted()
        return profile
    }

    /// The model file itself, where the artifact is its folder.
    static func file(of artifact: ModelArtifact) -> String {
        var isFolder: ObjCBool = false
        let exists = FileManager.default.fileExists(atPath: artifact.path, isDirectory: &isFolder)
        return exists && isFolder.boolValue ? artifact.path + "/model.onnx" : artifact.path
    }
}
