import Documents
import Foundation
import ServingDomain
import Testing

@testable import Profiler

/// Measured latencies outlive the server, and only where they still hold.
@Suite struct ArchiveTests {
    private let folder = NSTemporaryDirectory() + "sluice-archive-\(UUID().uuidString)"

    private func file(_ name: String, _ text: String) throws -> String {
        try FileManager.default.createDirectory(
            atPath: folder + "/models",
            withIntermediateDirectories: true
        )
        let path = folder + "/models/" + name
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        return path
    }

    private func clean() { try? FileManager.default.removeItem(atPath: folder) }

    private func device(_ units: Int32, kind: String = "cpu") -> DeviceSpec {
        DeviceSpec(id: DeviceID(0), name: "cpu0", kind: kind, units: units)
    }

    private func point(_ batch: Int32, _ units: Int32, _ us: Int64) -> LatencySurface.Point {
        .init(batch: batch, units: units, latency: .microseconds(us))
    }

    private func archive(engine: String = "engine 1") throws -> ProfileArchive {
        try ProfileArchive(folder + "/store", engine: engine)
    }

    @Test("What was kept is found again, rows added one after the other, the newest counts")
    func keeps() throws {
        defer { clean() }
        let model = try file("a.onnx", "a model")
        try archive().keep([point(1, 2, 900)], ofFile: model, named: "a", on: device(3))
        try archive().keep(
            [point(1, 1, 1_700), point(1, 2, 800)],
            ofFile: model,
            named: "a",
            on: device(3)
        )
        // Thirds of a device survive the way through per cent.
        let found = try archive().points(ofFile: model, on: device(3))
        #expect(found == [point(1, 1, 1_700), point(1, 2, 800)])
    }

    @Test("The same file under another name is known; a changed file, host or engine is not")
    func belongs() throws {
        defer { clean() }
        let model = try file("a.onnx", "a model")
        let twin = try file("twin.onnx", "a model")
        let store = try archive()
        try store.keep([point(1, 1, 500)], ofFile: model, named: "a", on: device(2))
        #expect(store.points(ofFile: twin, on: device(2)) == [point(1, 1, 500)])
        #expect(store.points(ofFile: model, on: device(4)) == nil)
        #expect(store.points(ofFile: model, on: device(2, kind: "other")) == nil)
        #expect(try archive(engine: "engine 2").points(ofFile: model, on: device(2)) == nil)
        _ = try file("a.onnx", "another model")
        #expect(store.points(ofFile: model, on: device(2)) == nil)
        #expect(store.points(ofFile: folder + "/nothing", on: device(2)) == nil)
    }

    @Test("A damaged file counts as not there and is replaced")
    func damaged() throws {
        defer { clean() }
        let model = try file("a.onnx", "a model")
        let store = try archive()
        try store.keep([point(1, 1, 500)], ofFile: model, named: "a", on: device(2))
        let path = try #require(store.path)
        let kept = try FileManager.default.contentsOfDirectory(atPath: path)
        #expect(kept.count == 1)
        let written = path + "/" + (kept.first ?? "")
        try Data("{\"model\":".utf8).write(to: URL(fileURLWithPath: written))
        #expect(store.points(ofFile: model, on: device(2)) == nil)
        try store.keep([point(1, 1, 700)], ofFile: model, named: "a", on: device(2))
        #expect(store.points(ofFile: model, on: device(2)) == [point(1, 1, 700)])
    }

    @Test("Without a folder everything is known while the archive lives, and no file is written")
    func memory() throws {
        defer { clean() }
        let model = try file("a.onnx", "a model")
        let store = try ProfileArchive(nil, engine: "engine 1")
        #expect(store.points(ofFile: model, on: device(2)) == nil)
        try store.keep([point(1, 1, 500)], ofFile: model, named: "a", on: device(2))
        try store.keep([point(2, 1, 900)], ofFile: model, named: "a", on: device(2))
        #expect(store.points(ofFile: model, on: device(2)) == [point(1, 1, 500), point(2, 1, 900)])
        let weights = [0.1, -0.2, 0, 0, 0.5, 0, 0, 0, 1.5, 0.05]
        #expect(try store.contention(on: device(2)) == nil)
        try store.keep(LossContention(weights: weights), on: device(2))
        #expect(try store.contention(on: device(2))?.weights == weights)
        let written = try FileManager.default.subpathsOfDirectory(atPath: folder)
        #expect(written.sorted() == ["models", "models/a.onnx"])
    }

    @Test("A folder that can't be made is one line")
    func folderless() throws {
        defer { clean() }
        let blocker = try file("blocker", "no folder")
        #expect(throws: ProfilerError.self) { try ProfileArchive(blocker + "/x", engine: "e") }
    }

    @Test("What co-runners cost is found again on the same host, and nowhere else")
    func contention() throws {
        defer { clean() }
        let weights = [0.1, -0.2, 0, 0, 0.5, 0, 0, 0, 1.5, 0.05]
        #expect(try archive().contention(on: device(2)) == nil)
        try archive().keep(LossContention(weights: weights), on: device(2))
        #expect(try archive().contention(on: device(2))?.weights == weights)
        #expect(try archive().contention(on: device(4)) == nil)
        #expect(try archive(engine: "engine 2").contention(on: device(2)) == nil)
        // What can't have been learned is not kept.
        var wild = weights
        wild[0] = 1e6
        try archive().keep(LossContention(weights: wild), on: device(2))
        #expect(try archive().contention(on: device(2))?.weights == weights)
    }

    @Test(
        "A damaged file of co-runners' costs is one line, and replaced",
        arguments: ["", "{", "[]"]
    )
    func damagedContention(text: String) throws {
        defer { clean() }
        let store = try archive()
        try store.keep(LossContention.prior, on: device(2))
        let path = try #require(store.path)
        let kept = try FileManager.default.contentsOfDirectory(atPath: path)
        #expect(kept.count == 1)
        let written = path + "/" + (kept.first ?? "")
        try Data(text.utf8).write(to: URL(fileURLWithPath: written))
        let error = #expect(throws: ProfilerError.self) { try store.contention(on: device(2)) }
        #expect(error?.description.contains("learned anew") == true)
        try store.keep(LossContention.prior, on: device(2))
        #expect(try store.contention(on: device(2)) == .prior)
    }
}
