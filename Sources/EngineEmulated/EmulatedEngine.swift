import Foundation
public import ServerRuntime
import ServingDomain
public import VirtualDevices

/// An engine that computes nothing and takes as long as a profile says.
///
/// A model comes from the first of these that knows it: a description given in code; a file
/// `emulated.json` (the artifact's path itself, in the folder it names, or beside the file it
/// names); the configuration's own tensors with a timing given in code; `describe`.
///
/// With `devices`, models that have a truth share those devices: they slow each other down, and
/// their copies queue. Without, each run takes its own time whatever runs beside it.
public final class EmulatedEngine: Engine {
    /// The word that clients see in metadata.
    public static let platformName = "sluice_emulated"

    /// The largest description file, in bytes.
    public static let fileLimit = 1 << 20

    private let models: [String: EmulatedModel]
    private let timings: [String: VirtualModel]
    private let devices: EmulatedDevices?
    private let describe: Description

    /// What a model is, by its artifact; nil = nobody knows.
    public typealias Description =
        @Sendable (ModelArtifact) throws(EngineError) -> EmulatedModel?

    /// Creates an engine.
    ///
    /// - Parameters:
    ///   - models: Whole models by name.
    ///   - timings: Latencies of models whose tensors the repository describes, by name.
    ///   - devices: Devices that models with a truth share.
    ///   - describe: Asked for models that are described nowhere else; may block.
    public init(
        models: [String: EmulatedModel] = [:],
        timings: [String: VirtualModel] = [:],
        devices: EmulatedDevices? = nil,
        describe: @escaping Description = { _ in nil }
    ) {
        self.models = models
        self.timings = timings
        self.devices = devices
        self.describe = describe
    }

    /// The platform word that clients see.
    public var platform: String { Self.platformName }

    /// Finds the model by name in code, or reads its description from the artifact's file.
    public func load(_ artifact: ModelArtifact) throws(EngineError) -> any LoadedModel {
        let model = try description(of: artifact)
        if model.control.faults.load {
            throw EngineError(.badModel, "model '\(artifact.name)': emulated fault while loading")
        }
        if let wanted = artifact.signature {
            try Self.check(wanted, against: model.signature, name: artifact.name)
        }
        var seat: LoadedEmulation.DeviceSeat?
        if let devices, let truth = model.truth {
            seat = LoadedEmulation.DeviceSeat(devices: devices, model: try devices.add(truth))
        }
        return LoadedEmulation(
            name: artifact.name,
            model: model,
            signature: artifact.signature ?? model.signature,
            seat: seat
        )
    }

    private func description(of artifact: ModelArtifact) throws(EngineError) -> EmulatedModel {
        if let model = models[artifact.name] { return model }
        for path in Self.candidates(artifact.path) {
            guard let bytes = try Self.read(path, name: artifact.name) else { continue }
            return try EmulatedModel(json: bytes, name: artifact.name)
        }
        if let signature = artifact.signature, let timing = timings[artifact.name] {
            return EmulatedModel(signature: signature, timing: timing)
        }
        if let described = try describe(artifact) { return described }
        throw EngineError(
            .badModel,
            "model '\(artifact.name)' has no emulated.json at '\(artifact.path)' and no profile;"
                + " write the file, or profile the model first"
        )
    }

    private static func candidates(_ path: String) -> [String] {
        guard !path.isEmpty else { return [] }
        let url = URL(fileURLWithPath: path)
        let beside = url.deletingLastPathComponent().appendingPathComponent("emulated.json").path
        if url.pathExtension == "json" { return [path] }
        return [url.appendingPathComponent("emulated.json").path, beside]
    }

    /// The file's bytes; nil if there is none.
    private static func read(_ path: String, name: String) throws(EngineError) -> Data? {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder),
            !isFolder.boolValue
        else { return nil }
        guard let handle = FileHandle(forReadingAtPath: path),
            let data = try? handle.read(upToCount: fileLimit + 1)
        else {
            throw EngineError(.badModel, "model '\(name)': '\(path)' can't be read")
        }
        guard data.count <= fileLimit else {
            throw EngineError(
                .badModel,
                "model '\(name)': '\(path)' is larger than \(fileLimit) bytes, the limit"
            )
        }
        return data
    }

    private static func check(
        _ wanted: ModelSignature,
        against own: ModelSignature,
        name: String
    ) throws(EngineError) {
        for (wanted, own) in [(wanted.inputs, own.inputs), (wanted.outputs, own.outputs)] {
            for tensor in wanted {
                guard let match = own.first(where: { $0.name == tensor.name }) else {
                    throw EngineError(
                        .badModel,
                        "model '\(name)': the configuration names tensor '\(tensor.name)',"
                            + " the emulated model has none of that name"
                    )
                }
                guard match.type == tensor.type else {
                    throw EngineError(
                        .badModel,
                        "model '\(name)': tensor '\(tensor.name)' is \(tensor.type.name) in the"
                            + " configuration and \(match.type.name) in the emulated model"
                    )
                }
            }
        }
    }
}
