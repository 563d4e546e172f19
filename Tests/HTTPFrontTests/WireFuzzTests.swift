import Glibc
import ServingTestKit
import Testing

/// Whole requests with a few bytes changed, on real connections.
@Suite struct WireFuzzTests {
    /// Changes a few bytes: flips, cuts, doublings, and what heads are made of.
    private func mutate(_ bytes: [UInt8], _ dice: inout SeededGenerator) -> [UInt8] {
        let words = ["\r\n", "\n", ": ", ",", "0", "-1", "99999999999999999999", "chunked", "\0"]
        var result = bytes
        for _ in 0..<Int.random(in: 1...4, using: &dice) where !result.isEmpty {
            let place = Int.random(in: 0..<result.count, using: &dice)
            switch Int.random(in: 0..<5, using: &dice) {
            case 0: result[place] ^= 1 << UInt8.random(in: 0..<8, using: &dice)
            case 1: result.remove(at: place)
            case 2: result.removeSubrange(place...)
            case 3:
                let word = words.randomElement(using: &dice) ?? ""
                result.insert(contentsOf: Array(word.utf8), at: place)
            default:
                let end = min(result.count, place + Int.random(in: 1...64, using: &dice))
                result.insert(contentsOf: result[place..<end], at: place)
            }
        }
        return result
    }

    @Test("Whatever a client sends: a reply or none, an end, and others are served")
    func mutations() async throws {
        let seed: UInt64 = 0x5EED_0006
        print("seed \(seed)")
        var dice = SeededGenerator(seed: seed)
        let seconds = getenv("SLUICE_FUZZ_SECONDS").flatMap { Int(String(cString: $0)) }
        let end = seconds.map { ContinuousClock.now.advanced(by: .seconds($0)) }
        let (json, body) = binary([1, 16], "FP32", bytes(Array(repeating: 1, count: 16)))
        let corpus = [
            request(
                "POST",
                "/v2/models/echo/infer",
                headers: ["Inference-Header-Content-Length: \(json.count)"],
                body: body
            ), request("POST", "/v2/models/echo/infer", body: echoJSON()),
            request("POST", "/v2/repository/index", body: Array("{\"ready\":true}".utf8)),
            Array(
                ("POST /v2/logging HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
                    + "14\r\n{\"log_info\":true,   \r\n13\r\n\"log_error\":true  }\r\n0\r\n\r\n")
                    .utf8
            ), request("GET", "/metrics", headers: ["Expect: 100-continue", "X: y"]),
        ]
        try await withServer { server in
            var (round, answered) = (0, 0)
            while round < 400 || end.map({ ContinuousClock.now < $0 }) ?? false {
                let mutant = mutate(corpus[round % corpus.count], &dice)
                let client = try await server.connect()
                // A server that has heard enough closes while the rest is still being sent.
                try? await client.send(mutant)
                client.finishSending()
                let reply = try await client.rest()
                client.close()
                if !reply.isEmpty {
                    answered += 1
                    let start = String(decoding: reply.prefix(9), as: UTF8.self)
                    #expect(start == "HTTP/1.1 ", "round \(round) of seed \(seed)")
                }
                round += 1
            }
            #expect(answered > round / 2)
            let good = try await server.connect()
            defer { good.close() }
            try await good.send(corpus[1])
            #expect(try await good.reply().status == 200)
        }
    }
}
