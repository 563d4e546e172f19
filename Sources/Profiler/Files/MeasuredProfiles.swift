public import Documents
public import ServingDomain
import Synchronization

/// Profiles that somebody hands to a server, as `sluice profile` wrote them: those that were made
/// for its devices, its engine and its model files. All others are named, and not used.
///
/// What a profile does not say (its digest, its fingerprint) is not held against it: it may have
/// been written by hand.
public final class MeasuredProfiles: Sendable {
    private let library: ProfileLibrary
    private let note: @Sendable (String) -> Void
    /// What was noted of single models already: reloads need not repeat it.
    private let noted = Mutex<Set<String>>([])

    /// Takes the profiles that fit.
    ///
    /// - Parameters:
    ///   - library: The profiles, by model and kind of device.
    ///   - devices: The devices that are there.
    ///   - fingerprints: What a measurement depends on here beside the model, by kind of device.
    ///   - note: Told in one line each what does not fit, and what to do.
    public init(
        _ library: ProfileLibrary,
        for devices: [DeviceSpec],
        fingerprints: [String: String],
        note: @escaping @Sendable (String) -> Void
    ) throws(DocumentError) {
        self.note = note
        var fitting = ProfileLibrary()
        var strangers: [(reason: String, count: Int)] = []
        for profile in library.profiles {
            guard let reason = Self.misfit(of: profile, devices, fingerprints) else {
                try fitting.add(profile, source: "profile of '\(profile.model)'")
                continue
            }
            if let place = strangers.firstIndex(where: { $0.reason == reason }) {
                strangers[place].count += 1
            } else {
                strangers.append((reason, 1))
            }
        }
        self.library = fitting
        for (reason, count) in strangers {
            note("\(count == 1 ? "1 profile is" : "\(count) profiles are") not used: \(reason)")
        }
    }

    /// How many profiles fit devices and engine.
    public var count: Int { library.profiles.count }

    /// What was measured of a model on such a device; nil where nothing was, or nothing that holds
    /// for this file, which is noted.
    ///
    /// Cost: reads the file once for its digest where the profile has one.
    public func profile(
        ofFile file: String,
        named model: String,
        on device: DeviceSpec
    ) -> DeviceProfile? {
        guard let profile = library.profile(of: model, on: device.kind) else { return nil }
        do {
            if let digest = profile.digest, digest != (try FileDigest.of(file)) {
                return refuse(
                    profile,
                    "it is of another file than '\(file)'; measure again with sluice profile"
                )
            }
            return try profile.deviceProfile(on: device)
        } catch let error as ProfilerError {
            return refuse(profile, error.description)
        } catch {
            return refuse(profile, "\(error)")
        }
    }

    private func refuse(_ profile: Profile, _ reason: String) -> DeviceProfile? {
        let line =
            "the profile of '\(profile.model)' on '\(profile.device)' is not used: \(reason)"
        if noted.withLock({ $0.insert(line).inserted }) { note(line) }
        return nil
    }

    /// Why a profile is for somewhere else; nil where it isn't.
    private static func misfit(
        of profile: Profile,
        _ devices: [DeviceSpec],
        _ fingerprints: [String: String]
    ) -> String? {
        guard devices.contains(where: { $0.kind == profile.device }) else {
            var kinds: [String] = []
            for device in devices where !kinds.contains(device.kind) { kinds.append(device.kind) }
            let words = kinds.map { "'\($0)'" }.joined(separator: ", ")
            return "measured on a device of kind '\(profile.device)', this server has \(words)"
        }
        guard let theirs = profile.fingerprint, let ours = fingerprints[profile.device],
            theirs != ours
        else { return nil }
        return "measured with '\(theirs)', this server has '\(ours)'; measure again with "
            + "sluice profile"
    }
}
