import Foundation
import ServerRuntime
import Testing

@testable import ModelRepository

/// `sluice check` lists what becomes of every field, for all models, whatever is wrong.
@Suite struct RepositoryCheckTests {
    static func verdicts(_ text: String) throws -> [String: ConfigFinding.Verdict] {
        let findings = try RepositoryCheck.fields(of: Array(text.utf8))
        return Dictionary(
            findings.map { ($0.field, $0.verdict) },
            uniquingKeysWith: { first, _ in first }
        )
    }

    @Test("Every kind of field gets its verdict")
    func verdicts() throws {
        let verdicts = try Self.verdicts(
            """
            name: "m" max_batch_size: 4 max_batch: 3
            input { name: "x" dims: 1 format: FORMAT_NCHW is_shape_tensor: true optional: false }
            response_cache { enable: true } optimization { eager_batching: false cuda { } }
            instance_group { rate_limiter { priority: 2 } count: 2 }
            sequence_batching { }
            parameters { key: "slo.latency_ms" value { string_value: "5" } }
            parameters { key: "slo.latency" value { string_value: "5" } }
            parameters { key: "batching.fixed" value { string_value: "maybe" } }
            parameters { key: "enable_mem_arena" value { string_value: "0" } }
            parameters { key: "colour" value { string_value: "red" } }
            """
        )
        #expect(
            verdicts == [
                "name": .mapped, "max_batch_size": .mapped, "max_batch": .unknown,
                "input.name": .mapped, "input.dims": .mapped, "input.format": .ignored,
                "input.is_shape_tensor": .refused, "input.optional": .mapped,
                "response_cache": .ignored, "optimization.cuda": .ignored,
                "instance_group.rate_limiter": .ignored, "instance_group.count": .mapped,
                "sequence_batching": .refused, "parameters.slo.latency_ms": .mapped,
                "parameters.slo.latency": .unknown, "parameters.batching.fixed": .error,
                "parameters.enable_mem_arena": .mapped, "parameters.colour": .ignored,
            ]
        )
    }

    @Test("A repository is reported model by model; one that is broken does not hide the others")
    func report() throws {
        let shelf = try Shelf()
        try shelf.model("good", plainConfig("unheard: 1"))
        try shelf.model("bare", nil)
        try shelf.model("broken", "max_batch_size: {")
        try shelf.model("seq", plainConfig("sequence_batching { }"))
        try shelf.file("empty/readme", "x")
        let report = try RepositoryCheck.of(shelf.repository())
        #expect(report.models == ["bare", "broken", "empty", "good", "seq"])
        #expect(report.failing == ["broken", "empty", "seq"])
        let text = report.text()
        for part in [
            "good: ok\n", "broken: not servable\n", "seq: not servable\n",
            "the model's file is asked when it is loaded", "(config.pbtxt:4)",
            "5 models, 2 servable, 3 not\n", "make a folder '1'",
        ] {
            #expect(text.contains(part), "\(part) is missing in:\n\(text)")
        }
    }

    @Test("With an engine the files are compared as well")
    func inspected() throws {
        let shelf = try Shelf()
        try shelf.model("m", plainConfig())
        let report = try RepositoryCheck.of(shelf.repository()) { _ in .single }
        #expect(report.failing == ["m"])
        #expect(report.rows.first?.finding.field == "max_batch_size")
    }

    @Test("The JSON report is JSON and says the same")
    func json() throws {
        let shelf = try Shelf()
        try shelf.model("m", plainConfig("backend: \"py\\\"thon\""))
        let report = try RepositoryCheck.of(shelf.repository())
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(report.json().utf8)) as? [String: Any]
        )
        #expect(object["ok"] as? Bool == false)
        let models = try #require(object["models"] as? [[String: Any]])
        let fields = try #require(models.first?["fields"] as? [[String: Any]])
        #expect(fields.first?["verdict"] as? String == "refused")
        #expect(fields.first?["field"] as? String == "backend")
        #expect(fields.first?["line"] as? Int == 4)
        #expect((fields.first?["note"] as? String)?.contains("'py\"thon'") == true)
    }
}
