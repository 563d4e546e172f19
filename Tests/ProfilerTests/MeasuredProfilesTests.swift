import Documents
import Foundation
import ServingDomain
import Synchronization
import Testing

@testable import Profiler

/// Profiles that are handed to a server count where they fit, and are named where they don't.
@Suite struct MeasuredProfilesTests {
    private let folder = NSTemporaryDirectory() + "sluice-measured-\(UUID().uuidString)"

    private final class Notes: Sendable {
        private let lines = Mutex<[String]>([])
        var all: [String] { lines.withLock { $0 } }
        func add(_ line: String) { lines.withLock { $0.append(line) } }
    }

    private let card = DeviceSpec(
        id: DeviceID(0),
        name: "gpu0",
        kind: "h200",
        units: 16,
        copyEngines: 2
    )

    private func profile(
        _ model: String,
        on kind: String = "h200",
        shares: [Double] = [25, 50, 100],
        digest: String? = nil,
        fingerprint: String? = "card, driver 1"
    ) -> Profile {
        var profile = Profile(
            model: model,
            device: kind,
            latency: shares.map { Profile.Row(batch: 1, share: $0, ms: 100 / $0, p99Ms: 200 / $0) }
        )
        profile.digest = digest
        profile.fingerprint = fingerprint
        profile.weightsMiB = 12
        profile.utilization = [.init(batch: 1, sm: 0.5, l2: 0.25, dram: 0.125)]
        return profile
    }

    private func measured(_ profiles: [Profile], _ notes: Notes) throws -> MeasuredProfiles {
        var library = ProfileLibrary()
        for profile in profiles { try library.add(profile, source: "test") }
        return try MeasuredProfiles(
            library,
            for: [card],
            fingerprints: ["h200": "card, driver 1"],
            note: { notes.add($0) }
        )
    }

    @Test("A profile that fits brings its whole surface over shares, and what else it says")
    func fits() throws {
        let notes = Notes()
        let known = try measured([profile("a"), profile("b", fingerprint: nil)], notes)
        #expect(known.count == 2)
        for model in ["a", "b"] {
            let found = try #require(known.profile(ofFile: "/none", named: model, on: card))
            #expect(found.surface.points.map(\.units) == [4, 8, 16])
            #expect(found.surface.latency(batch: 1, units: 8) == .milliseconds(2))
            #expect(found.surface.points.first?.p99 == .milliseconds(8))
            #expect(found.memory.weightsKiB == 12 << 10)
            #expect(found.utilization.map(\.sm) == [0.5])
            #expect(found.estimatedUnits.isEmpty)
        }
        #expect(known.profile(ofFile: "/none", named: "c", on: card) == nil)
        #expect(notes.all == [])
    }

    @Test("Another kind of device, driver or engine is one line for all profiles of it")
    func strangers() throws {
        let notes = Notes()
        let known = try measured(
            [
                profile("a", on: "cpu"), profile("b", on: "cpu"),
                profile("a", fingerprint: "card, driver 2"), profile("c"),
            ],
            notes
        )
        #expect(known.count == 1)
        #expect(known.profile(ofFile: "/none", named: "a", on: card) == nil)
        #expect(
            notes.all == [
                "2 profiles are not used: measured on a device of kind 'cpu', this server has "
                    + "'h200'",
                "1 profile is not used: measured with 'card, driver 2', this server has "
                    + "'card, driver 1'; measure again with sluice profile",
            ]
        )
    }

    @Test("Another file, one that can't be read, and shares of another card are noted once each")
    func files() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(
            atPath: folder,
            withIntermediateDirectories: true
        )
        let file = folder + "/a.onnx"
        try Data("a model".utf8).write(to: URL(fileURLWithPath: file))
        let notes = Notes()
        let known = try measured(
            [
                profile("same", digest: FileDigest.of(file)), profile("other", digest: "fnv64:0"),
                profile("thirds", shares: [33, 100]),
            ],
            notes
        )
        #expect(known.profile(ofFile: file, named: "same", on: card) != nil)
        #expect(notes.all == [])
        for _ in 0..<2 {
            #expect(known.profile(ofFile: file, named: "other", on: card) == nil)
            #expect(known.profile(ofFile: file, named: "thirds", on: card) == nil)
            #expect(known.profile(ofFile: folder + "/no", named: "same", on: card) == nil)
        }
        #expect(notes.all.count == 3)
        #expect(notes.all.allSatisfy { !$0.contains("\n") && $0.contains("is not used: ") })
        #expect(notes.all.first?.contains("of another file") == true)
        #expect(notes.all.dropFirst().first?.contains("share") == true)
    }
}
