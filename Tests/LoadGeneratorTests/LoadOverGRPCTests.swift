import ServingDomain
import Testing
import Workloads

@testable import LoadGenerator

@Suite("Loads over gRPC", .timeLimit(.minutes(2)))
struct LoadOverGRPCTests {
    private func load(_ url: String, clients: Int, requests: Int) -> LoadConfiguration {
        var configuration = LoadConfiguration(
            url: url,
            transport: .grpc,
            models: [ModelLoad(name: "tiny", process: .closed(concurrency: clients))],
            duration: .seconds(60)
        )
        configuration.warmUp = .zero
        configuration.requestLimit = requests
        return configuration
    }

    @Test("Every gRPC status lands in its outcome, messages are decoded")
    func outcomes() async throws {
        let server = try await ScriptedGRPCServer.start { number in
            switch number % 8 {
            case 0: .trailers([("grpc-status", "0")])
            case 1: .trailers([("grpc-status", "0"), ("sluice-late", "1")])
            case 2: .trailersOnly([("grpc-status", "4")])
            case 3: .trailersOnly([("grpc-status", "8"), ("grpc-message", "queue%20full")])
            case 4: .reset(7)
            case 5: .trailersOnly([("grpc-status", "13")])
            case 6: .trailersOnly([("grpc-status", "0")])
            default: .reset(8)
            }
        }
        let report = try await LoadRunner(load(server.url, clients: 1, requests: 80)).run()
        await server.stop()
        let line = report.total
        #expect([line.served, line.late, line.dropped, line.cancelled] == [10, 10, 10, 10])
        // A status 0 without a message is a failure: the client has no result.
        #expect(line.refused == 20 && line.failed == 20 && line.submitted == 80)
        #expect(line.errors.first { $0.kind == "gRPC 8" }?.first == "queue full")
    }

    @Test("Many requests share a connection, and all but its first use a byte per header")
    func multiplexing() async throws {
        let server = try await ScriptedGRPCServer.start { _ in .trailers([("grpc-status", "0")]) }
        var configuration = load(server.url, clients: 16, requests: 300)
        configuration.connections = 1
        let report = try await LoadRunner(configuration).run()
        await server.stop()
        let state = server.snapshot
        #expect(report.total.served == 300 && state.count == 300)
        #expect(state.blockLengths.max() ?? 0 > 60)
        #expect(state.blockLengths.filter { $0 == 7 }.count == 299)
        // Metadata, statistics before, the load, statistics after.
        #expect(state.accepted == 4)
    }

    @Test("A body larger than the server's windows and frames arrives whole")
    func flowControl() async throws {
        for window: UInt32 in [1_000, 65_535] {
            let server = try await ScriptedGRPCServer.start(window: window) { _ in
                .trailers([("grpc-status", "0")])
            }
            var configuration = load(server.url, clients: 3, requests: 12)
            configuration.connections = 1
            configuration.shapes = ["x": [50_000]]
            let report = try await LoadRunner(configuration).run()
            await server.stop()
            #expect(report.total.served == 12)
            let length = server.snapshot.lastLength
            #expect(length > 200_000 && length < 200_100)
        }
    }

    @Test("When a server goes away, the load moves to a new connection")
    func goAway() async throws {
        let server = try await ScriptedGRPCServer.start { number in
            switch number {
            case 5: .goAway(servesIt: true)
            case 11: .goAway(servesIt: false)
            default: .trailers([("grpc-status", "0")])
            }
        }
        let report = try await LoadRunner(load(server.url, clients: 1, requests: 20)).run()
        await server.stop()
        #expect(report.total.served == 19 && report.total.refused == 1)
        #expect(report.total.errors.first?.first == "the server is going away")
        #expect(server.snapshot.accepted >= 5)
    }

    @Test("Header blocks are encoded as RFC 7541 says")
    func headerBlocks() {
        let blocks = HeaderBlocks(path: "/p", authority: "a")
        #expect(
            Array(blocks.literal.prefix(9)) == [0x83, 0x86, 0x04, 2, 0x2F, 0x70, 0x01, 1, 0x61]
        )
        #expect(Array(blocks.first.prefix(9)) == [0x83, 0x86, 0x44, 2, 0x2F, 0x70, 0x41, 1, 0x61])
        #expect(blocks.later == [0x83, 0x86, 0xC2, 0xC1, 0xC0, 0xBF, 0xBE])
        // content-type has number 31, which does not fit into four bits.
        #expect(Array(blocks.literal[9..<12]) == [0x0F, 16, 16])
    }
}
