public import ServingDomain

/// Profiles by model and kind of device, and what planner and core make of them.
public struct ProfileLibrary: Hashable, Sendable {
    /// The most profiles.
    public static let limit = 65_536

    /// The profiles, in the order in which they were added.
    public private(set) var profiles: [Profile] = []
    /// The place of each in `profiles`.
    private var places: [Key: Int] = [:]

    private struct Key: Hashable, Sendable {
        var model: String
        var kind: String
    }

    /// Creates an empty library.
    public init() {}

    /// Adds a profile.
    ///
    /// - Parameter source: The file's name, for messages.
    /// - Throws: `DocumentError` where the same model is there for the same kind already.
    public mutating func add(_ profile: Profile, source: String) throws(DocumentError) {
        func wrong(_ what: String) -> DocumentError {
            DocumentError(source: source, line: nil, path: "model", what: what)
        }
        guard profiles.count < Self.limit else {
            throw wrong("there are \(Self.limit) profiles already, which is the limit")
        }
        let key = Key(model: profile.model, kind: profile.device)
        guard places[key] == nil else {
            throw wrong(
                "there is a profile of '\(profile.model)' on '\(profile.device)' already;"
                    + " keep one"
            )
        }
        places[key] = profiles.count
        profiles.append(profile)
    }

    /// The models that there are profiles of, in the order of their first one.
    public var models: [String] {
        var seen: Set<String> = []
        return profiles.map(\.model).filter { seen.insert($0).inserted }
    }

    /// The profile of a model on a kind of device.
    public func profile(of model: String, on kind: String) -> Profile? {
        places[Key(model: model, kind: kind)].map { profiles[$0] }
    }

    /// The description of a model as its profiles give it: largest batch, profiles, bytes.
    ///
    /// A model without a profile on any of the devices has none here either: planners leave it
    /// unserved with that reason.
    ///
    /// - Parameters:
    ///   - id: The model's number.
    ///   - model: Its name.
    ///   - devices: Profiles of their kinds are taken, in the order of the first device of each.
    ///   - estimates: What stands in for profiles that are not there.
    /// - Throws: `DocumentError` where a share is no whole number of units, or devices of one
    ///   kind have different units, so that a profile would mean two things.
    public func spec(
        _ id: ModelID,
        of model: String,
        on devices: [DeviceSpec],
        estimates: Estimates = .none
    ) throws(DocumentError) -> ModelSpec {
        var spec = ModelSpec(id: id, name: model)
        for device in try Self.firstOfEachKind(devices) {
            let bytes: (input: Int64, output: Int64)
            if let profile = profile(of: model, on: device.kind) {
                spec.profiles.append(try profile.deviceProfile(on: device))
                bytes = (profile.inputBytes ?? 0, profile.outputBytes ?? 0)
            } else if let guess = estimates.model(model, device) {
                spec.profiles.append(guess.profile)
                bytes = (guess.inputBytes, guess.outputBytes)
            } else {
                continue
            }
            if spec.inputBytes == 0 { spec.inputBytes = bytes.input }
            if spec.outputBytes == 0 { spec.outputBytes = bytes.output }
        }
        let batches = spec.profiles.flatMap { profile in
            profile.surface.points.filter { $0.instances == 1 }.map(\.batch)
        }
        spec.maxBatch = batches.max() ?? 1
        return spec
    }

    private static func firstOfEachKind(
        _ devices: [DeviceSpec]
    ) throws(DocumentError) -> [DeviceSpec] {
        var firsts: [DeviceSpec] = []
        for device in devices {
            guard let first = firsts.first(where: { $0.kind == device.kind }) else {
                firsts.append(device)
                continue
            }
            guard first.units == device.units else {
                throw DocumentError(
                    source: "cluster",
                    line: nil,
                    path: "devices[\(device.id.index)].units",
                    what: "'\(device.name)' has \(device.units) units, but '\(first.name)' of"
                        + " the same kind '\(device.kind)' has \(first.units); give them"
                        + " kinds of their own"
                )
            }
        }
        return firsts
    }
}

extension ModelSpec {
    /// What stands against serving the model in time on any of `devices`, in one line; nil where
    /// nothing does. It is no error of a file: plans say the same as `unserved`.
    ///
    /// Cost: O(devices x profiles).
    public func obstacle(on devices: [DeviceSpec]) -> String? {
        var fastest: (time: TimeSpan, device: DeviceSpec)?
        for device in devices {
            guard
                let time = profile(on: device.kind)?.surface
                    .latency(batch: 1, units: device.units)
            else { continue }
            if fastest.map({ time < $0.time }) ?? true { fastest = (time, device) }
        }
        guard let fastest else {
            var kinds: [String] = []
            for device in devices where !kinds.contains(device.kind) { kinds.append(device.kind) }
            return "'\(name)' has no profile on any kind of device that there is"
                + " (\(kinds.joined(separator: ", "))); measure one with sluice profile"
        }
        guard let slo, slo < fastest.time else { return nil }
        return "'\(name)': sloMs is \(JSONText.number(slo.inMilliseconds)), but one item alone"
            + " takes \(JSONText.number(fastest.time.inMilliseconds)) ms on all of"
            + " '\(fastest.device.name)', the fastest device; no plan can keep it"
    }
}
