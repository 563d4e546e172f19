import EngineEmulated
import HTTPFront
import ServerRuntime
import ServingDomain
import Synchronization
import Testing

@Suite("The plan, for those who ask")
struct PlanTests {
    @Test("The plan that stands names its planner, its lanes and its demand.")
    func present() async throws {
        try await withServer { server in
            let reply = try await server.ask("GET", "/v1/plan")
            #expect(reply.status == 200)
            for part in [
                #""planner":"whole""#, #""model":"echo""#, #""epoch":1"#, #""demand":["#,
                #""explanation":["#,
            ] {
                #expect(reply.text.contains(part), "\(part) in \(reply.text)")
            }
        }
    }

    @Test("A demand is planned for without a change; what is wrong with it is one line.")
    func preview() async throws {
        try await withServer { server in
            let before = try await server.ask("GET", "/v1/plan").text
            let demand = #"{"models":[{"model":"echo","rate":25,"sloMs":80}]}"#
            let reply = try await server.ask("POST", "/v1/plan", body: Array(demand.utf8))
            #expect(reply.status == 200)
            #expect(reply.text.contains(#"{"model":"echo","rate":25,"sloMs":80"#), "\(reply.text)")
            #expect(try await server.ask("GET", "/v1/plan").text == before)
            for (body, word) in [
                (#"{"models":[{"model":"ecko","rate":1}]}"#, "did you mean 'echo'"),
                (#"{"models":[{"model":"echo","rate":-1}]}"#, "rate"),
                (#"{"modles":[]}"#, "modles"), ("", "the demand"),
            ] {
                let reply = try await server.ask("POST", "/v1/plan", body: Array(body.utf8))
                #expect(reply.status == 400, "\(body)")
                #expect(reply.text.contains(word), "\(body): \(reply.text)")
            }
            #expect(try await server.ask("PUT", "/v1/plan").status == 405)
        }
    }

    @Test("A load with another objective in its config holds at once and loads nothing.")
    func objective() async throws {
        let model = TestModel.echo(slo: .milliseconds(500))
        try await withServer([model]) { server in
            server.source.adapt.withLock {
                $0 = { config, definition in
                    if config.contains("slo.latency_ms") {
                        definition.rules.slo = .milliseconds(4_000)
                    }
                    definition.configJSON = Array(config.utf8)
                }
            }
            let runs = model.control.endedCount
            let id = try server.runtime.servable(named: "echo", version: nil).id
            let config = #"{\"parameters\":{\"slo.latency_ms\":{\"string_value\":\"4000\"}}}"#
            let load = try await server.ask(
                "POST",
                "/v2/repository/models/echo/load",
                body: Array(#"{"parameters":{"config":"\#(config)"}}"#.utf8)
            )
            #expect(load.status == 200, "\(load.text)")
            #expect(try server.runtime.servable(named: "echo", version: nil).id == id)
            #expect(model.control.endedCount == runs)
            let shown = try await server.ask("GET", "/v2/models/echo/config")
            #expect(shown.text.contains("slo.latency_ms"))
            var plan = ""
            while !plan.contains(#""sloMs":4000"#), !Task.isCancelled {
                plan = try await server.ask("GET", "/v1/plan").text
            }
            let reply = try await server.ask("POST", "/v2/models/echo/infer", body: echoJSON())
            #expect(reply.status == 200)
        }
    }
}
