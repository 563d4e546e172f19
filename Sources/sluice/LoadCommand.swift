import ArgumentParser
import Foundation
import LoadGenerator
import ServingDomain
import Workloads

/// Sends requests to a server of the v2 protocol and reports how they ended.
struct LoadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load",
        abstract: "Put load on any v2 server and measure it.",
        discussion: """
            With --rate requests are sent at their times whether or not answers come back (open \
            loop), and latency counts from the intended time. With --concurrency each client \
            sends when it has its answer (closed loop). A model may carry words of its own: \
            --model NAME[@VERSION][:rate=100,priority=1,timeout-ms=50].
            """
    )

    @Option(help: "The server, such as http://127.0.0.1:8000 (gRPC: 127.0.0.1:8001).")
    var url: String
    @Option(help: "A model to ask; may be repeated.") var model: [String] = []
    @Option(help: "http or grpc.") var `protocol` = "http"
    @Option(help: "How tensors travel over HTTP: binary, json, or shared (memory of this machine).")
    var payload = "binary"
    @Option(help: "Requests per second and model (open loop).") var rate: Double?
    @Option(help: "Clients per model (closed loop).") var concurrency: Int?
    @Option(help: "poisson, uniform, bursty or trace.") var arrivals: String?
    @Option(help: "A file with one arrival per line, in seconds.") var trace: String?
    @Option(help: "Seconds to measure.") var duration: Double?
    @Option(help: "Seconds to send before measuring.") var warmUp: Double = 1
    @Option(help: "The priority that requests name; 1 is high, 0 names none.")
    var priority: UInt64 = 0
    @Option(help: "The timeout that requests name, in milliseconds.") var timeoutMs: Double?
    @Option(help: "Answers that take longer count as late, in milliseconds.") var sloMs: Double?
    @Option(help: "The shape of an input, batch included: NAME:DIM,DIM,... May be repeated.")
    var shape: [String] = []
    @Option(help: "random, zero, or a file with all inputs in the wire's layout.")
    var data = "random"
    @Option(help: "The seed of arrivals and random data.") var seed: UInt64 = 1
    @Option(help: "The most connections.") var connections: Int?
    @Option(help: "The most requests out at once.") var maxInFlight = 1_024
    @Flag(help: "Print JSON.") var json = false

    func run() async throws {
        let configuration = try self.loadConfiguration()
        let showsBar = isatty(FileHandle.standardError.fileDescriptor) == 1 && !json
        let report = try await LoadRunner(configuration).run { progress in
            guard showsBar else { return }
            let line = "\r" + progress.line(width: 78) + "\u{1B}[K"
            FileHandle.standardError.write(Data(line.utf8))
        }
        if showsBar { FileHandle.standardError.write(Data("\r\u{1B}[K".utf8)) }
        print(json ? try report.json() : report.text())
    }

    private func loadConfiguration() throws -> LoadConfiguration {
        guard !model.isEmpty else {
            throw CommandFailure("no model is named; give --model NAME at least once")
        }
        let words = LoadWords(
            rate: rate,
            concurrency: concurrency,
            arrivals: arrivals,
            priority: priority,
            timeoutMs: timeoutMs,
            objectiveMs: sloMs,
            trace: try trace.map(readTrace)
        )
        var configuration = LoadConfiguration(
            url: url,
            transport: try word(`protocol`, "--protocol"),
            models: try model.map { text throws(LoadError) in try words.model(text) },
            duration: duration.map { .milliseconds(rounding: $0 * 1_000) }
        )
        configuration.payload = try word(payload, "--payload")
        configuration.warmUp = .milliseconds(rounding: warmUp * 1_000)
        configuration.connections = connections
        configuration.maxInFlight = maxInFlight
        configuration.seed = seed
        for text in shape {
            let (name, dims) = try LoadWords.shape(text)
            configuration.shapes[name] = dims
        }
        switch data {
        case "random": configuration.data = .random
        case "zero": configuration.data = .zero
        default: configuration.data = .bytes(try read(data))
        }
        return configuration
    }

    /// The case of an enumeration that a flag names.
    private func word<Choice: RawRepresentable<String> & CaseIterable>(
        _ text: String,
        _ flag: String
    ) throws -> Choice {
        guard let choice = Choice(rawValue: text) else {
            let known = Choice.allCases.map(\.rawValue).joined(separator: " or ")
            throw CommandFailure("\(flag) '\(text)' is not known; use \(known)")
        }
        return choice
    }

    private func readTrace(_ path: String) throws -> Trace {
        try Trace(parsing: read(path))
    }

    private func read(_ path: String) throws -> [UInt8] {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CommandFailure("'\(path)' can't be read; name a file that exists")
        }
        return [UInt8](data)
    }
}
