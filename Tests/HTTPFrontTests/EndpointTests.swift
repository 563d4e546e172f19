import HTTPFront
import OpenInference
import ServerRuntime
import ServingDomain
import Synchronization
import Testing

@Suite("Endpoints beside inference")
struct EndpointTests {
    @Test("Health, metadata and configuration are what clients expect.")
    func describes() async throws {
        try await withServer { server in
            for (path, text) in [
                ("/v2/health/live", #"{"live":true}"#), ("/v2/health/ready", #"{"ready":true}"#),
                ("/v2/models/echo/ready", #"{"name":"echo","ready":true}"#),
                ("/v2/models/echo/versions/1/ready", #"{"name":"echo","ready":true}"#),
                ("/v2/models/echo/config", #"{"name":"echo","max_batch_size":8}"#),
                (
                    "/v2/models/echo",
                    #"{"name":"echo","versions":["1"],"platform":"sluice_emulated","inputs":"#
                        + #"[{"name":"INPUT","datatype":"FP32","shape":[-1,16]}],"outputs":"#
                        + #"[{"name":"OUTPUT","datatype":"FP32","shape":[-1,16]}]}"#
                ),
            ] {
                let reply = try await server.ask("GET", path)
                #expect(reply.status == 200 && reply.text == text, "\(path): \(reply.text)")
            }
            let about = try await server.ask("GET", "/v2")
            #expect(about.text.hasPrefix(#"{"name":"sluice","version":"#))
            #expect(about.text.contains(#""statistics""#))
            for (path, status) in [
                ("/v2/models/nope", 404), ("/v2/models/echo/versions/2", 404),
                ("/v2/models/nope/ready", 400), ("/v2/models/nope/config", 404),
                ("/v2/models/nope/stats", 400), ("/v2/models/nope/trace/setting", 404),
            ] {
                #expect(try await server.ask("GET", path).status == status, "\(path)")
            }
        }
    }

    @Test("Statistics carry every key, before the first request and after.")
    func counts() async throws {
        try await withServer { server in
            let keys = [
                "success", "fail", "queue", "compute_input", "compute_infer", "compute_output",
                "cache_hit", "cache_miss", "last_inference", "inference_count",
                "execution_count", "batch_stats", "memory_usage", "response_stats",
            ]
            for path in ["/v2/models/stats", "/v2/models/echo/stats"] {
                let text = try await server.ask("GET", path).text
                for key in keys { #expect(text.contains("\"\(key)\":"), "\(key)") }
                #expect(text.hasPrefix(#"{"model_stats":[{"name":"echo","version":"1","#))
            }
            let infer = "/v2/models/echo/infer"
            _ = try await server.ask("POST", infer, body: echoJSON())
            let text = try await server.ask("GET", "/v2/models/echo/versions/1/stats").text
            #expect(text.contains(#""inference_count":1,"execution_count":1"#))
            #expect(text.contains(#""success":{"count":1,"ns":"#))
            #expect(text.contains(#""batch_stats":[{"batch_size":1,"#))
        }
    }

    @Test("Metrics are on their own port, as text, and nothing else is there.")
    func exposesMetrics() async throws {
        try await withServer { server in
            let port = try #require(server.front.addresses.metricsPort)
            let client = try await RawClient.connect(port: port)
            try await client.send(request("GET", "/metrics"))
            let reply = try await client.reply()
            #expect(reply.status == 200)
            #expect(reply["Content-Type"] == "text/plain; charset=utf-8")
            #expect(reply.text.contains("nv_inference_request_success"))
            try await client.send(request("GET", "/v2"))
            #expect(try await client.reply().status == 404)
        }
    }

    @Test("The index lists models; loading and unloading change it.")
    func changesRepository() async throws {
        try await withServer { server in
            let index = try await server.ask("POST", "/v2/repository/index")
            #expect(index.text == #"[{"name":"echo","version":"1","state":"READY"}]"#)
            #expect(
                try await server.ask("POST", "/v2/repository/models/echo/unload").status == 200
            )
            let gone = try await server.ask("POST", "/v2/models/echo/infer", body: echoJSON())
            #expect(gone.status == 503)
            let ready = try await server.ask(
                "POST",
                "/v2/repository/index",
                body: Array(#"{"ready":true}"#.utf8)
            )
            #expect(ready.text == "[]")
            let load = try await server.ask(
                "POST",
                "/v2/repository/models/echo/load",
                body: Array(
                    #"{"parameters":{"config":"{}","file:1/model.onnx":"Zm9v"}}"#.utf8
                )
            )
            #expect(load.status == 200 && load.body.isEmpty)
            #expect(
                server.source.overrides.withLock { $0 } == [
                    LoadOverride(config: "{}", files: ["1/model.onnx": Array("foo".utf8)])
                ]
            )
            let infer = try await server.ask("POST", "/v2/models/echo/infer", body: echoJSON())
            #expect(infer.status == 200)
            for (path, body, status) in [
                ("/v2/repository/models/nope/load", "", 500),
                ("/v2/repository/models/nope/unload", "", 200),
                ("/v2/repository/models/echo/load", #"{"parameters":{"file:1/m":"Zm9v"}}"#, 400),
                ("/v2/repository/models/echo/load", #"{"parameters":{"x":"y"}}"#, 400),
                ("/v2/repository/models/echo/load", #"{"parameters":{"#, 400),
                ("/v2/repository/index", #"{"ready":1}"#, 400),
                ("/v2/repository/r/models/echo/load", "", 501),
                ("/v2/repository/r/index", "", 501),
            ] {
                let reply = try await server.ask("POST", path, body: Array(body.utf8))
                #expect(reply.status == status, "\(path) \(body): \(reply.text)")
            }
        }
    }

    @Test("Log and trace settings are read, changed, and refused when they make no sense.")
    func changesSettings() async throws {
        try await withServer(runtime: { $0.traceFile = "trace.json" }) { server in
            let logging = "/v2/logging"
            #expect(try await server.ask("GET", logging).text.contains(#""log_info":true"#))
            let changed = try await server.ask(
                "POST",
                logging,
                body: Array(#"{"log_verbose_level":2,"log_info":false}"#.utf8)
            )
            #expect(changed.text.contains(#""log_verbose_level":2"#))
            #expect(changed.text.contains(#""log_info":false"#))
            for path in ["/v2/trace/setting", "/v2/models/echo/trace/setting"] {
                #expect(try await server.ask("GET", path).text.contains(#""trace_level":["OFF"]"#))
            }
            let traced = try await server.ask(
                "POST",
                "/v2/models/echo/trace/setting",
                body: Array(#"{"trace_level":["TIMESTAMPS"],"trace_rate":"5"}"#.utf8)
            )
            #expect(traced.text.contains(#""trace_level":["TIMESTAMPS"],"trace_rate":"5""#))
            let cleared = try await server.ask(
                "POST",
                "/v2/models/echo/trace/setting",
                body: Array(#"{"trace_level":null}"#.utf8)
            )
            #expect(cleared.text.contains(#""trace_level":["OFF"]"#))
            for (path, body) in [
                (logging, #"{"log_nope":1}"#), (logging, #"{"log_info":"x"}"#), (logging, "[]"),
                (logging, #"{"log_info":true,"log_info":true}"#),
                ("/v2/trace/setting", #"{"trace_rate":"x"}"#),
                ("/v2/trace/setting", #"{"trace_level":["LOUD"]}"#),
            ] {
                let reply = try await server.ask("POST", path, body: Array(body.utf8))
                #expect(reply.status == 400, "\(body)")
            }
        }
    }

    @Test("Shared memory is off unless asked for; CUDA's is an empty list.")
    func answersAboutMemory() async throws {
        try await withServer { server in
            let off = try await server.ask("GET", "/v2/systemsharedmemory/status")
            #expect(off.status == 400 && off.text.contains("--allow-client-shm"))
            for (method, path, status) in [
                ("GET", "/v2/cudasharedmemory/status", 200),
                ("GET", "/v2/cudasharedmemory/region/r/status", 404),
                ("POST", "/v2/cudasharedmemory/region/r/register", 501),
                ("POST", "/v2/cudasharedmemory/unregister", 200),
            ] {
                let reply = try await server.ask(method, path)
                #expect(reply.status == status, "\(path)")
                if path.hasSuffix("memory/status") { #expect(reply.text == "[]") }
            }
        }
    }

    @Test("Restricted endpoints want their header; endpoints that are off are not there.")
    func restricts() async throws {
        let restriction = try APIRestriction(flag: "model-repository,statistics:x-key=secret")
        try await withServer(front: { configuration in
            configuration.restrictions = [restriction]
            configuration.allowed.remove(.logging)
        }) { server in
            for (headers, status) in [
                ([], 403), (["x-key: wrong"], 403), (["X-Key: secret"], 200),
            ] as [([String], Int)] {
                let index = try await server.ask("POST", "/v2/repository/index", headers: headers)
                #expect(index.status == status)
                let stats = try await server.ask("GET", "/v2/models/stats", headers: headers)
                #expect(stats.status == status)
            }
            #expect(try await server.ask("GET", "/v2/logging").status == 404)
            #expect(try await server.ask("GET", "/v2").status == 200)
        }
    }

    @Test("A port that is taken is said in one line that names the flag.")
    func namesTakenPorts() async throws {
        try await withServer { server in
            let port = server.front.addresses.port
            do {
                _ = try await TestServer(front: { $0.port = port })
                Issue.record("the port was given twice")
            } catch let error as HTTPFrontError {
                #expect(error.message.contains("\(port)"))
                #expect(error.message.contains("--http-port"))
            }
        }
    }
}
