import Documents
import EngineONNX
import Logging
import Profiler
import ServerCore
import ServerRuntime
import ServingDomain

/// What a server knows of models before they have run.
extension ServeCommand {
    /// Lets planners by demand know what was measured, kept and can be guessed; the others what
    /// was handed over with `--profiles`.
    func addKnowledge(
        to configuration: inout RuntimeConfiguration,
        _ engine: any Engine,
        _ logger: Logger
    ) throws {
        let profiles = try measuredProfiles(configuration.core.devices, engine, logger)
        let plansByDemand = configuration.core.epochs != nil
        guard plansByDemand || profiles != nil else { return }
        let knowledge = HostKnowledge(
            archive: plansByDemand ? try archive(engine) : nil,
            profiles: profiles,
            guesses: plansByDemand,
            logger: logger
        )
        configuration.knowledge = knowledge
        guard plansByDemand else { return }
        configuration.profilesInIdleTime = own.idleProfiling
        configuration.core.contention = knowledge.contention(
            on: configuration.core.devices
        )
    }

    private func archive(_ engine: any Engine) throws -> ProfileArchive {
        let folder = own.profileStore ?? HostKnowledge.usualFolder ?? "none"
        let version = (engine as? ONNXEngine).map { "onnxruntime \($0.libraryVersion)" }
        do throws(ProfilerError) {
            return try ProfileArchive(
                folder == "none" ? nil : folder,
                engine: version ?? engine.platform
            )
        } catch {
            throw CommandFailure("--profile-store: \(error.description)")
        }
    }

    /// The profiles of `--profiles` that fit; nil where the flag is not given.
    private func measuredProfiles(
        _ devices: [DeviceSpec],
        _ engine: any Engine,
        _ logger: Logger
    ) throws -> MeasuredProfiles? {
        guard !own.profiles.isEmpty else { return nil }
        let folder = DocumentFolder(".")
        let (measured, given) = try reading { () throws(DocumentError) in
            var library = ProfileLibrary()
            for name in own.profiles { try folder.addProfiles(in: name, to: &library) }
            let measured = try MeasuredProfiles(
                library,
                for: devices,
                fingerprints: (engine as? ONNXEngine)?.fingerprints ?? [:],
                note: { line in logger.warning("--profiles: \(line)") }
            )
            return (measured, library.profiles.count)
        }
        logger.info("--profiles: \(measured.count) of \(given) fit this server's devices")
        return measured
    }
}
