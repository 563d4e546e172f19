import HTTPFront
import ServerRuntime
import ServingDomain
import Testing

@Suite("Devices, for operators")
struct DeviceTests {
    @Test("A device is taken out and put back: requests are refused in between, then served.")
    func outAndBack() async throws {
        try await withServer { server in
            let name = try #require(server.runtime.devices.first?.spec.name)
            let all = try await server.ask("GET", "/v1/devices")
            #expect(all.status == 200)
            #expect(all.text.contains("\"name\":\"\(name)\""), "\(all.text)")
            #expect(all.text.contains(#""state":"present""#))

            let infer = "/v2/models/echo/infer"
            #expect(try await server.ask("POST", infer, body: echoJSON()).status == 200)
            // Twice: what is so already stays so.
            for _ in 0..<2 {
                let out = try await server.ask("POST", "/v1/devices/\(name)/lost")
                #expect(out.status == 200 && out.text.contains(#""state":"lost""#), "\(out.text)")
            }
            let refused = try await server.ask("POST", infer, body: echoJSON())
            #expect(refused.status == 503)
            #expect(refused.text.contains("taken out by an operator"), "\(refused.text)")
            #expect(try await server.ask("GET", "/v2/health/ready").status != 200)

            let back = try await server.ask("POST", "/v1/devices/\(name)/back")
            #expect(back.status == 200 && back.text.contains(#""state":"present""#))
            #expect(server.runtime.devices.map(\.isPresent) == [true])
            // The plan puts instances there again, which takes a moment.
            var status = 0
            for _ in 0..<400 where status != 200 {
                status = try await server.ask("POST", infer, body: echoJSON()).status
            }
            #expect(status == 200)
        }
    }

    @Test("A device that there is not, a wrong verb and a wrong word are told so.")
    func wrongs() async throws {
        try await withServer { server in
            let unknown = try await server.ask("POST", "/v1/devices/gpu9/back")
            #expect(unknown.status == 404)
            #expect(unknown.text.contains("gpu9") && unknown.text.contains("GET /v1/devices"))
            #expect(try await server.ask("GET", "/v1/devices/cpu0/back").status == 405)
            #expect(try await server.ask("POST", "/v1/devices").status == 405)
            #expect(try await server.ask("POST", "/v1/devices/cpu0/gone").status == 404)
            #expect(try await server.ask("GET", "/v1").status == 404)
        }
    }
}
