import Documents
import Foundation
import Testing

@testable import Profiler

/// Files of profiles: kept where they still hold, measured again where not.
@Suite struct FolderTests {
    static func folder() throws -> ProfileFolder {
        let path = FileManager.default.temporaryDirectory
            .appendingPathComponent("sluice-profiles-\(UUID().uuidString)").path
        return try ProfileFolder(path)
    }

    static func profile() -> Profile {
        var profile = Profile(
            model: "m",
            device: "cpu",
            latency: [.init(batch: 1, share: 50, ms: 2), .init(batch: 1, share: 100, ms: 1)]
        )
        profile.digest = "d"
        profile.fingerprint = "f"
        return profile
    }

    @Test("A profile is kept for the same file, host and points only")
    func keeping() throws {
        let folder = try Self.folder()
        defer { try? FileManager.default.removeItem(atPath: folder.path) }
        try folder.write(Self.profile())
        let points = [(batch: Int32(1), share: 50.0), (batch: 1, share: 100)]
        #expect(
            folder.kept("m", digest: "d", fingerprint: "f", points: points) == Self.profile()
        )
        #expect(folder.kept("m", digest: "x", fingerprint: "f", points: points) == nil)
        #expect(folder.kept("m", digest: "d", fingerprint: "x", points: points) == nil)
        #expect(folder.kept("n", digest: "d", fingerprint: "f", points: points) == nil)
        let more = points + [(batch: 2, share: 50)]
        #expect(folder.kept("m", digest: "d", fingerprint: "f", points: more) == nil)
        try Data("{".utf8).write(to: URL(fileURLWithPath: folder.file("m")))
        #expect(folder.kept("m", digest: "d", fingerprint: "f", points: points) == nil)
    }

    @Test("Pairs are written and read again, and kept for the same host only")
    func pairs() throws {
        let folder = try Self.folder()
        defer { try? FileManager.default.removeItem(atPath: folder.path) }
        #expect(folder.keptPairs(fingerprint: "f") == nil)
        var pairs = CoRunPairs(
            device: "cpu",
            pairs: [
                .init(
                    victim: .init(model: "a", batch: 1, share: 50),
                    beside: [.init(model: "b", batch: 4, share: 50)],
                    slowdown: 1.12,
                    samples: 40
                )
            ]
        )
        pairs.fingerprint = "f"
        try folder.write(pairs)
        #expect(folder.keptPairs(fingerprint: "f") == pairs)
        #expect(folder.keptPairs(fingerprint: "g") == nil)
    }

    @Test("A digest tells files apart by content and length, and is the same every time")
    func digests() throws {
        let folder = try Self.folder()
        defer { try? FileManager.default.removeItem(atPath: folder.path) }
        func digest(_ bytes: [UInt8]) throws -> String {
            let path = folder.path + "/file"
            try Data(bytes).write(to: URL(fileURLWithPath: path))
            return try FileDigest.of(path)
        }
        let large = [UInt8](repeating: 7, count: 3 << 20)
        var changed = large
        changed[2_000_003] ^= 0x80
        let found = try [[], [0], [0, 0], Array(0...16), large, changed].map(digest)
        #expect(Set(found).count == found.count)
        #expect(try digest(large) == found[4])
        #expect(throws: ProfilerError.self) { try FileDigest.of(folder.path + "/none") }
    }

    @Test("The host's fingerprint names processor, cores and engine")
    func fingerprint() {
        let text = "processor\t: 0\nmodel name\t: AMD EPYC\ncpu family\t: 26\nmodel\t\t: 17\n"
        #expect(HostFingerprint.processor(text) == "AMD EPYC 26 17")
        #expect(HostFingerprint.processor(nil) == "cpu")
        #expect(HostFingerprint.of(cores: 2, engine: "e 1").hasSuffix(", 2 cores, e 1"))
    }

    @Test("A busy machine is named, a quiet or silent one is not")
    func load() {
        #expect(HostLoad.warning(cores: 2, text: "3.50 1 1 2/9 7")?.contains("3.50") == true)
        #expect(HostLoad.warning(cores: 2, text: "0.40 1 1 2/9 7") == nil)
        #expect(HostLoad.warning(cores: 2, text: nil) == nil)
    }
}
