import EngineONNX
import LoadGenerator
import ModelZoo
import Profiler
import Reports
import ServerRuntime
import ServingDomain
import Workloads

/// Part (g): batch sizes 1 to 32 by 1 to 4 instances of zoo networks on this machine's cores, all
/// measured, and what the scalers choose live; then each choice and the grid's best once more, in
/// turn.
struct ScalerPart: Sendable {
    /// Light enough that the largest batches end within seconds on two cores.
    static let networks = [
        "mobilenet_v1_025", "mobilenet_v2", "squeezenet", "mobilenet_v1_050", "mnasnet1_0",
        "mobilenet_v1",
    ]
    /// Who chooses. The published scalers look four times as often as they did and at half as many
    /// batches, which here take a tenth of a second; what they decide is the same. Requests wait
    /// for their turn under a load that never lets up, so the one that could count waiting is told
    /// not to: all three hold batches against the objective.
    static let scalers = [
        ("clipper", "clipper:period=750,samples=20"),
        ("dnnscaler", "dnnscaler:period=750,poll=250,samples=20"),
        ("confluence", "confluence:queueing=false"),
    ]
    /// What a choice is to reach of the best setting's rate.
    static let goal = 0.97
    /// Requests out at once: enough for all instances' batches and the next ones.
    static let clients = 192
    /// How much a re-measured p95 may be above the objective, for noise.
    static let grace = 1.1

    let bench: LiveBench
    /// How many of the networks are tried.
    let count: Int

    func run() async throws -> PartResult {
        let engine: ONNXEngine
        do throws(EngineError) {
            engine = try ONNXEngine(library: bench.options.library)
        } catch {
            throw LiveError(error.message)
        }
        var studies: [ScalerStudy] = []
        for network in Self.networks.prefix(count) {
            studies.append(try await study(network, engine))
            try Task.checkCancellation()
        }
        return ScalerStudy.result(studies)
    }

    private func study(_ network: String, _ engine: ONNXEngine) async throws -> ScalerStudy {
        bench.say("(g) \(network): every setting")
        let subject = try subject(network, engine)
        let solo = try measure(subject, .init(batch: 1, instances: 1), bench.pace.turn)
        let sloMs = max(LiveMix.leastMs, LiveMix.slack * solo.p95Ms)
        var study = ScalerStudy(network: network, sloMs: sloMs)
        study.grid = try grid(subject, sloMs: sloMs)
        for (name, scaler) in Self.scalers {
            bench.say("(g) \(network): \(name) chooses")
            study.choices.append(try await choice(network, name, scaler, sloMs: sloMs))
        }
        bench.say("(g) \(network): choices and the best in turn")
        try compare(&study, subject)
        return study
    }

    // MARK: The grid

    private func subject(_ network: String, _ engine: ONNXEngine) throws(LiveError) -> Subject {
        let folder = try bench.place.build(network)
        do {
            let zoo = try Zoo.network(network)
            let signature = ModelSignature(
                inputs: [zoo.input],
                outputs: [zoo.output],
                batched: true
            )
            let artifact = ModelArtifact(
                name: network,
                version: 1,
                path: "\(folder)/1/model.onnx",
                signature: signature
            )
            return try Subject(
                name: network,
                model: try engine.load(artifact),
                signature: signature,
                batchLimit: CellGrid.batches.last ?? 1
            )
        } catch {
            throw Self.failure(error)
        }
    }

    private func grid(_ subject: Subject, sloMs: Double) throws(LiveError) -> CellGrid {
        var grid = CellGrid()
        for instances in CellGrid.instances {
            for batch in CellGrid.batches {
                let setting = CellGrid.Setting(batch: batch, instances: instances)
                let cell = try measure(subject, setting, bench.pace.cell)
                grid.add(cell)
                if CellGrid.isBeyond(cell, sloMs: sloMs) { break }
            }
        }
        return grid
    }

    private func measure(
        _ subject: Subject,
        _ setting: CellGrid.Setting,
        _ seconds: Double
    ) throws(LiveError) -> CellGrid.Cell {
        let profiler = CrowdProfiler(
            cores: bench.processors,
            time: .milliseconds(rounding: seconds * 1_000)
        )
        do throws(EngineError) {
            let crowd = try profiler.measure(
                subject,
                batch: setting.batch,
                instances: setting.instances
            )
            let p95 = crowd.samples.percentile(95)?.inMilliseconds ?? .infinity
            return CellGrid.Cell(setting, p95Ms: p95, rate: crowd.itemsPerSecond)
        } catch {
            throw LiveError("measuring '\(subject.name)': \(error.message)")
        }
    }

    private static func failure(_ error: any Error) -> LiveError {
        if let error = error as? EngineError { return LiveError(error.message) }
        return error as? LiveError ?? LiveError("\(error)")
    }

    // MARK: Live

    private func choice(
        _ network: String,
        _ name: String,
        _ scaler: String,
        sloMs: Double
    ) async throws -> ScalerStudy.Choice {
        var settings = ModelSettings(sloMs: sloMs)
        settings.percentile = 95
        settings.maxBatch = Int(CellGrid.batches.last ?? 1)
        settings.instanceLimit = Int(CellGrid.instances.last ?? 1)
        let command = ServerCommand(
            name,
            repository: try bench.place.repository("scaler", [(network, settings)]),
            flags: ["--planner", "whole", "--policy", "fifo", "--scaler", scaler]
        )
        do {
            return try await bench.serve(command) { try await watch($0, network, name) }
        } catch let refusal as ServerRefusal {
            return ScalerStudy.Choice(scaler: name, refusal: refusal.description)
        }
    }

    /// How long a setting must stand until it counts as chosen, and the least time, in seconds.
    static let steady = 4.0, least = 5.0

    /// Keeps a server busy and looks once a second at what it does, until a setting stands or the
    /// time is over.
    private func watch(
        _ server: LiveServer,
        _ network: String,
        _ name: String
    ) async throws -> ScalerStudy.Choice {
        let drive = Drive(
            traffic: [.init(model: network, process: .closed(concurrency: Self.clients))],
            warmUp: 0,
            seconds: bench.pace.settle + 1,
            seed: bench.options.seed
        )
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { _ = try await drive.run(to: server.url) }
            var choice = ScalerStudy.Choice(scaler: name)
            let clock = ContinuousClock()
            let began = clock.now
            var last = (counts: try await server.statistics(of: network), at: clock.now)
            var elapsed = 0.0
            while elapsed < bench.pace.settle,
                elapsed < Self.least || elapsed - choice.since < Self.steady
            {
                try await Task.sleep(for: .seconds(1))
                let now = (counts: try await server.statistics(of: network), at: clock.now)
                let seconds = (now.at - last.at) / .seconds(1)
                elapsed = (now.at - began) / .seconds(1)
                if let seen = LiveSetting(now.counts.since(last.counts), seconds: seconds) {
                    choice.note(seen, at: elapsed)
                }
                last = now
            }
            choice.isSettled = elapsed - choice.since >= Self.steady
            group.cancelAll()
            try await group.waitForAll()
            return choice
        }
    }

    // MARK: In turn

    /// Every choice and the grid's best, round by round, on the bare engine: the network and the
    /// client take no part in it.
    private func compare(_ study: inout ScalerStudy, _ subject: Subject) throws(LiveError) {
        guard let best = study.grid.best(within: study.sloMs)?.setting else { return }
        var settings = [best]
        for choice in study.choices {
            if let setting = choice.setting, !settings.contains(setting) {
                settings.append(setting)
            }
        }
        for _ in 0..<bench.pace.rounds {
            var round: [CellGrid.Cell] = []
            for setting in settings {
                round.append(try measure(subject, setting, bench.pace.turn))
            }
            study.rounds.append(round)
        }
    }
}
