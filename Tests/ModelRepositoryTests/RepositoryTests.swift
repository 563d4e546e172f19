import Foundation
import ServerRuntime
import ServingDomain
import Testing

@testable import ModelRepository

/// Folders, versions, links, overrides: what is found, and what is refused.
@Suite struct RepositoryTests {
    // MARK: Names and folders

    @Test("Models are listed sorted; hidden folders and files are no models")
    func names() throws {
        let shelf = try Shelf()
        try shelf.model("b", nil).model("a", nil).model("with space", nil)
        try shelf.file("README.md", "no model")
        try shelf.file(".git/config", "hidden")
        #expect(try shelf.repository().names() == ["a", "b", "with space"])
    }

    @Test(
        "Names that lead elsewhere or can't be addressed are not found",
        arguments: ["", "..", ".", "a/b", "../m", "stats", "a\u{0}b", "a\nb", ".hidden"]
    )
    func wrongNames(name: String) throws {
        let shelf = try Shelf()
        try shelf.model("m", nil)
        let error = try #require(try shelf.failure(name))
        #expect(error.kind == .notFound)
        #expect(!error.message.contains("\n"))
    }

    @Test("An unknown model is named with the repositories that were searched")
    func unknown() throws {
        let shelf = try Shelf()
        let error = try #require(try shelf.failure("nobody"))
        #expect(error.kind == .notFound)
        #expect(error.message.contains("there is no model 'nobody' in "))
        #expect(throws: SourceError.self) { try shelf.repository().fingerprint("nobody") }
    }

    @Test("A repository that is missing or a file is refused at once")
    func missingRepository() throws {
        let shelf = try Shelf()
        try shelf.file("file", "x")
        for path in [shelf.path + "/none", shelf.path + "/file"] {
            #expect(throws: SourceError.self) { try ModelRepository(paths: [path]) }
        }
        #expect(throws: SourceError.self) { try ModelRepository(paths: []) }
    }

    @Test("Several repositories serve together; a name in two of them is refused, the others serve")
    func several() throws {
        let (first, second) = (try Shelf(), try Shelf())
        try first.model("a", nil).model("both", nil)
        try second.model("b", nil).model("both", nil)
        let repository = try ModelRepository(paths: [first.path, second.path, first.path + "/."])
        #expect(try repository.names() == ["a", "b", "both"])
        for name in ["a", "b"] {
            _ = try repository.read(name, override: nil) { _ in .plain }
        }
        do {
            _ = try repository.read("both", override: nil) { _ in .plain }
            Issue.record("a model in two repositories was read")
        } catch {
            #expect(error.message.contains("model 'both' is in "))
            #expect(error.message.contains("rename or remove"))
        }
    }

    @Test("Too many models or entries are refused with the limit")
    func counts() throws {
        let shelf = try Shelf()
        for index in 0..<5 { try shelf.model("m\(index)", nil) }
        var limits = RepositoryLimits()
        limits.models = 4
        #expect(throws: SourceError.self) { try shelf.repository(limits: limits).names() }
    }

    // MARK: Versions

    @Test(
        "The version policy chooses among the folders that are numbers",
        arguments: [
            ("", [10]), ("version_policy { latest { num_versions: 2 } }", [2, 10]),
            ("version_policy: { latest { num_versions: 9 } }", [1, 2, 10]),
            ("version_policy { all { } }", [1, 2, 10]),
            ("version_policy { specific { versions: [ 2, 1, 7 ] } }", [1, 2]),
        ] as [(String, [Int64])]
    )
    func versions(policy: String, expected: [Int64]) throws {
        let shelf = try Shelf()
        try shelf.model("m", plainConfig(policy), versions: ["1", "2", "10", "007", "x1", "-3"])
        let definition = try shelf.read()
        #expect(definition.versions.map(\.version) == expected)
        #expect(definition.versions.allSatisfy { $0.path.hasSuffix("\($0.version)/model.onnx") })
    }

    @Test("A model without versions, or without the one asked for, says what there is")
    func noVersions() throws {
        let shelf = try Shelf()
        try shelf.file("m/config.pbtxt", plainConfig())
        let none = try #require(try shelf.failure())
        #expect(none.message.contains("make a folder '1'"))
        try shelf.model("n", plainConfig("version_policy { specific { versions: 4 } }"))
        let other = try #require(try shelf.failure("n"))
        #expect(other.message.contains("chooses no version; there are: 1"))
    }

    @Test("A version without its file, with an empty one or with a folder in its place is refused")
    func files() throws {
        let shelf = try Shelf()
        try shelf.file("a/1/other.onnx", "x")
        try shelf.file("b/1/model.onnx", "")
        try shelf.file("c/1/model.onnx/weights", "x")
        try shelf.file("d/1/model.onnx/model.onnx", "x")
        try shelf.file("e/config.pbtxt", plainConfig("default_model_filename: \"net.onnx\""))
        try shelf.file("e/1/net.onnx", "x")
        #expect(try shelf.failure("a")?.message.contains("has no 'model.onnx'") == true)
        #expect(try shelf.failure("b")?.message.contains("is empty") == true)
        #expect(try shelf.failure("c")?.message.contains("folder without a model.onnx") == true)
        #expect(try shelf.read("d").versions[0].path.hasSuffix("d/1/model.onnx"))
        #expect(try shelf.read("e").versions[0].path.hasSuffix("e/1/net.onnx"))
    }

    @Test("A pipe in place of a file is refused instead of waited for")
    func pipe() throws {
        let shelf = try Shelf()
        try shelf.file("m/1/model.onnx", "x")
        #expect(mkfifo(shelf.path + "/m/config.pbtxt", 0o600) == 0)
        #expect(try shelf.failure()?.message.contains("is not a file") == true)
    }

    // MARK: Escapes

    @Test(
        "Paths that lead out of the model's folder are refused",
        arguments: [
            "default_model_filename: \"../../secret\"", "default_model_filename: \"/etc/passwd\"",
            "default_model_filename: \"a//b\"",
            "output { name: \"z\" data_type: TYPE_INT8 dims: 1 label_filename: \"../secret\" }",
        ]
    )
    func dots(text: String) throws {
        let shelf = try Shelf()
        try shelf.model("m", plainConfig(text))
        try shelf.file("secret", "x")
        let error = try #require(try shelf.failure())
        #expect(error.kind == .invalid)
        #expect(error.message.contains("is refused: it"), "\(error.message)")
    }

    @Test("Links out of the repository are refused, links inside of it are followed")
    func links() throws {
        let (shelf, outside) = (try Shelf(), try Shelf())
        try outside.file("model.onnx", "secret")
        try outside.file("1/model.onnx", "secret")
        try shelf.model("a", nil)
        try shelf.remove("a/1/model.onnx")
        try shelf.link("a/1/model.onnx", to: outside.path + "/model.onnx")
        try shelf.link("b", to: outside.path)
        try shelf.model("c", nil)
        try shelf.link("c/1/weights", to: outside.path + "/model.onnx")
        try shelf.file("d/labels", "x")
        try shelf.link("d/1", to: outside.path + "/1")
        for name in ["a", "b", "c", "d"] {
            let error = try #require(try shelf.failure(name), "\(name) was read")
            #expect(error.message.contains("leads out of the repository"), "\(error.message)")
        }
        try shelf.file(".data/e/1/model.onnx", "x")
        try shelf.link("e", to: shelf.path + "/.data/e")
        #expect(try shelf.read("e").versions.map(\.version) == [1])
    }

    // MARK: Labels and configurations

    @Test("A missing label file is named with the output's line")
    func labels() throws {
        let shelf = try Shelf()
        try shelf.model(
            "m",
            """
            max_batch_size: 8
            input { name: "x" data_type: TYPE_FP32 dims: 16 }
            output { name: "y" data_type: TYPE_FP32 dims: 4
                     label_filename: "labels.txt" }
            """
        )
        let error = try #require(try shelf.failure())
        #expect(
            error.message
                == "model 'm': config.pbtxt:4:10: output.label_filename: label file 'labels.txt' "
                + "is missing; put it into the model's folder or take label_filename out"
        )
    }

    @Test("A broken configuration is named with line and column")
    func broken() throws {
        let shelf = try Shelf()
        try shelf.model("m", "name: \"m\"\nmax_batch_size: many\n")
        let error = try #require(try shelf.failure())
        #expect(error.message.hasPrefix("model 'm': config.pbtxt:2:17: 'max_batch_size' must be"))
        var limits = RepositoryLimits()
        limits.configBytes = 8
        #expect(throws: SourceError.self) {
            try shelf.repository(limits: limits).read("m", override: nil) { _ in .plain }
        }
    }

    @Test("A configuration by name is taken where there is one")
    func configName() throws {
        let shelf = try Shelf()
        try shelf.model("m", plainConfig(maxBatch: 8)).model("n", plainConfig(maxBatch: 8))
        try shelf.file("m/configs/small.pbtxt", plainConfig(maxBatch: 2))
        let repository = try shelf.repository(configName: "small")
        #expect(try repository.read("m", override: nil) { _ in .plain }.rules.maxBatch == 2)
        #expect(try repository.read("n", override: nil) { _ in .plain }.rules.maxBatch == 8)
        #expect(throws: SourceError.self) { try shelf.repository(configName: "../x") }
    }

    // MARK: Load requests

    @Test("A load request's configuration replaces the folder's")
    func overrideConfig() throws {
        let shelf = try Shelf()
        try shelf.model("m", plainConfig(maxBatch: 8))
        let definition = try shelf.read("m", LoadOverride(config: #"{"max_batch_size": 3}"#))
        #expect(definition.rules.maxBatch == 3)
        let error = try #require(try shelf.failure("m", LoadOverride(config: "{\"a\"")))
        #expect(error.message.contains("the load request's config:1:5: "))
    }

    @Test("A load request's files are written privately, and removed with the repository")
    func overrideFiles() throws {
        let shelf = try Shelf()
        var repository: ModelRepository? = try shelf.repository()
        var paths: [String] = []
        for round in 0..<3 {
            let bytes = Array("onnx\(round)".utf8)
            let definition = try #require(repository).read(
                "fresh",
                override: LoadOverride(config: "{}", files: ["file:1/model.onnx": bytes])
            ) { _ in .plain }
            paths.append(definition.versions[0].path)
            #expect(try FileAccess.read(paths[round], atMost: 100) == bytes)
            let folder = URL(fileURLWithPath: paths[round]).deletingLastPathComponent()
                .deletingLastPathComponent()
            let attributes = try FileManager.default.attributesOfItem(atPath: folder.path)
            #expect(attributes[.posixPermissions] as? Int == 0o700)
        }
        let there = paths.map { FileManager.default.fileExists(atPath: $0) }
        #expect(there == [false, true, true], "the last two stay")
        repository = nil
        let left = paths.filter { FileManager.default.fileExists(atPath: $0) }
        #expect(left.isEmpty)
    }

    @Test(
        "Files of a load request that lead out, or come alone, are refused",
        arguments: ["../evil", "/tmp/evil", "1/../../evil", "", "1//x", "a/b/c/d/e"]
    )
    func overrideEscapes(key: String) throws {
        let shelf = try Shelf()
        let error = try #require(
            try shelf.failure("m", LoadOverride(config: "{}", files: [key: [1]]))
        )
        #expect(error.message.contains("is refused"), "\(error.message)")
        let alone = LoadOverride(config: nil, files: ["1/model.onnx": [1]])
        #expect(try shelf.failure("m", alone)?.message.contains("add the parameter") == true)
    }

    @Test("The files of a load request are bounded")
    func overrideSize() throws {
        let shelf = try Shelf()
        var limits = RepositoryLimits()
        limits.overrideBytes = 8
        let files = ["1/model.onnx": [UInt8](repeating: 0, count: 9)]
        #expect(throws: SourceError.self) {
            try shelf.repository(limits: limits)
                .read("m", override: LoadOverride(config: "{}", files: files)) { _ in .plain }
        }
    }

    // MARK: Fingerprints

    @Test("The fingerprint changes with every kind of change and with nothing else")
    func fingerprints() throws {
        let shelf = try Shelf()
        try shelf.model("m", plainConfig()).model("other", nil)
        let repository = try shelf.repository()
        var last = try repository.fingerprint("m")
        func expectChange(_ what: String) throws {
            let next = try repository.fingerprint("m")
            #expect(next != last, "\(what)")
            last = next
        }
        try shelf.file("other/1/model.onnx", "changed")
        #expect(try repository.fingerprint("m") == last)
        try shelf.file("m/config.pbtxt", plainConfig("# longer"))
        try expectChange("configuration")
        try shelf.file("m/2/model.onnx", "second")
        try expectChange("new version")
        try shelf.remove("m/1")
        try expectChange("version taken away")
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSince1970: 1_000)],
            ofItemAtPath: shelf.path + "/m/2/model.onnx"
        )
        try expectChange("touched")
    }

    @Test("A version's mark stays when only the configuration changes, and changes with its files")
    func marks() throws {
        let shelf = try Shelf()
        try shelf.model("m", plainConfig())
        let first = try shelf.read("m")
        try shelf.file("m/config.pbtxt", plainConfig("# longer than before"))
        let second = try shelf.read("m")
        #expect(first.versions == second.versions)
        #expect(first.versions[0].mark != 0)
        try shelf.file("m/1/model.onnx.data", "weights beside the file")
        #expect(try shelf.read("m").versions[0].mark != first.versions[0].mark)
    }
}
