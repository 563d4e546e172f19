import Foundation
import ServerCore
import ServingTestKit
import Testing

/// Decisions that read like stories. `UPDATE_GOLDEN=1 swift test` writes the answers anew; commit
/// only differences that you understand.
@Suite struct GoldenTests {
    private static let folder = URL(filePath: #filePath)
        .deletingLastPathComponent().appending(path: "Golden")

    private static var scripts: [String] {
        let files = try? FileManager.default.contentsOfDirectory(atPath: folder.path())
        return (files ?? []).filter { $0.hasSuffix(".txt") }.sorted()
    }

    @Test("There are stories to play")
    func stories() {
        #expect(Self.scripts.count >= 10)
    }

    @Test("A story goes as it is written", arguments: scripts)
    func story(name: String) throws {
        let file = Self.folder.appending(path: name)
        let text = try String(contentsOf: file, encoding: .utf8)
        var script = GoldenScript(text)
        let story = CoreStory()
        let isUpdating = ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] == "1"
        for place in script.blocks.indices {
            let block = script.blocks[place]
            let answer = story.play(block.commands)
            #expect(!answer.contains { $0.hasPrefix("ERROR") || $0.hasPrefix("AUDIT") })
            if isUpdating {
                script.blocks[place].answer = answer
            } else {
                #expect(answer == block.answer, "\(name), line \(block.line)")
            }
        }
        if isUpdating { try Data(script.text.utf8).write(to: file) }
    }

    @Test("The orders of random traces are the same in every process, by their digests")
    func digests() throws {
        let file = Self.folder.appending(path: "digests.csv")
        var text = "seed,events,digest\n"
        for seed in UInt64(1)...8 {
            let harness = try Trace(seed: seed).run()
            text += "\(seed),\(harness.events),\(String(harness.digest, radix: 16))\n"
        }
        if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] == "1" {
            try Data(text.utf8).write(to: file)
        }
        #expect(try String(contentsOf: file, encoding: .utf8) == text)
    }
}
