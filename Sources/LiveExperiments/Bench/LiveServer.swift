import Documents
import Foundation
import LoadGenerator

/// A server that stands and answers.
struct LiveServer: Sendable {
    /// What rows call it.
    let name: String
    /// Where requests go, and where metrics stand.
    let url: String, metrics: String?
    /// The process that serves; nil = it runs elsewhere, and is not ours to end.
    let process: ChildProcess?

    /// The longest that a server may take until it is ready, in seconds.
    static let patience = 180.0

    /// Asks for a path.
    ///
    /// - Throws: `LiveError` for any status but 200, with the server's own words.
    func get(_ path: String) async throws -> [UInt8] {
        try await answer(path) { try await ServerQuestion(url: url).get(path) }
    }

    /// Sends a body to a path; the same.
    func post(_ path: String, _ body: [UInt8] = []) async throws -> [UInt8] {
        try await answer(path) { try await ServerQuestion(url: url).post(path, body: body) }
    }

    private func answer(
        _ path: String,
        _ ask: () async throws -> ServerQuestion.Answer
    ) async throws -> [UInt8] {
        let answer = try await ask()
        guard answer.status == 200 else {
            throw LiveError("\(name): \(path) gave \(answer.status): \(answer.note)")
        }
        return answer.body
    }

    /// What the server counted of a model.
    func statistics(of model: String) async throws -> ModelCounts {
        try ModelCounts(json: await get("/v2/models/\(model)/stats"))
    }

    /// The plan that stands, with its reasons.
    func plan() async throws -> PlanTold { try PlanTold(json: await get("/v1/plan")) }

    /// What would be planned for a demand; nothing changes.
    func preview(_ demand: Demand) async throws -> PlanTold {
        try PlanTold(json: await post("/v1/plan", demand.json()))
    }

    /// Loads a model and waits until it is there.
    func load(_ model: String) async throws {
        _ = try await post("/v2/repository/models/\(model)/load")
    }

    /// Unloads a model.
    func unload(_ model: String) async throws {
        _ = try await post("/v2/repository/models/\(model)/unload")
    }

    /// Requests that hold a place in the server, by its metrics; nil where it does not tell.
    func requestsHere() async -> Int? {
        await metricLines()?.value("sluice_requests_in_server").map { Int($0) }
    }

    /// Deadlines missed so far, and all of them, as the server itself counted; nil where it does
    /// not tell.
    func deadlines() async -> (missed: Double, all: Double)? {
        guard let lines = await metricLines() else { return nil }
        let missed = lines.sum("sluice_deadlines_total", ["met=\"false\""])
        return (missed, lines.sum("sluice_deadlines_total"))
    }

    private func metricLines() async -> MetricLines? {
        guard let metrics,
            let base = metrics.range(of: "/metrics").map({ metrics[..<$0.lowerBound] }),
            let answer = try? await ServerQuestion(url: String(base)).get("/metrics")
        else { return nil }
        return MetricLines(String(decoding: answer.body, as: UTF8.self))
    }

    /// Waits until the server has answered everything, so that one load does not spoil the next.
    func settle(within seconds: Double = 15) async throws {
        _ = try await Waiting.first(within: seconds, every: 0.05) {
            (await requestsHere() ?? 0) == 0 ? true : nil
        }
    }
}

/// A server that would not start, with its own last words. No defect of the experiment: rows say
/// so in one line.
struct ServerRefusal: Error, Hashable, CustomStringConvertible {
    var description: String
}

/// Values of a page of metrics in Prometheus' text form.
struct MetricLines {
    private let lines: [Substring]

    init(_ text: String) { lines = text.split(separator: "\n") }

    /// The value of the first series with this name and, if given, all of these labels.
    func value(_ name: String, _ labels: [String] = []) -> Double? {
        values(name, labels).first { _ in true }
    }

    /// The sum over all such series.
    func sum(_ name: String, _ labels: [String] = []) -> Double {
        values(name, labels).reduce(0, +)
    }

    private func values(_ name: String, _ labels: [String]) -> some Sequence<Double> {
        lines.lazy.compactMap { line in
            guard line.hasPrefix(name) else { return nil }
            let rest = line.dropFirst(name.count)
            guard rest.first == " " || rest.first == "{", labels.allSatisfy(rest.contains) else {
                return nil
            }
            return rest.split(separator: " ").last.flatMap { Double($0) }
        }
    }
}
