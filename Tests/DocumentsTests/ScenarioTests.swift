import Documents
import Foundation
import ServingDomain
import Testing
import Workloads

@Suite("Scenarios")
struct ScenarioTests {
    private static let profile = """
        {model: resnet50, device: k, latency: [{batch: 1, share: 50, ms: 6}, {batch: 8, share: 50,
        ms: 20}, {batch: 1, share: 100, ms: 5}, {batch: 8, share: 100, ms: 14}]}
        """

    private static let head = """
        duration: 10
        cluster: {devices: [{id: gpu0, kind: k, shares: [50, 100]}]}
        profiles: [\(profile.replacing("\n", with: " "))]

        """

    private func read(_ text: String, in folder: String = "/nowhere") throws -> ScenarioDocument {
        let bytes = Array(text.utf8)
        return try ScenarioDocument(
            reading: bytes,
            source: "s.yaml",
            folder: DocumentFolder(folder)
        )
    }

    private func whole(_ rest: String) throws -> ScenarioDocument { try read(Self.head + rest) }

    @Test("A whole scenario becomes domain values, every part of it")
    func whole() throws {
        let scenario = try whole(
            """
            seed: 7
            warmUp: 2
            system: gpulets
            policy: edf
            kinds:
              - {kind: k, units: 100, contention: {model: loss, weights: [0,0,0,0,0,0,0,0,0,0.2]}}
            epochs: {rules: gpulets, every: 10}
            noise: {spread: 0.03, contention: saturating, strength: 0.5}
            models:
              - model: resnet50
                sloMs: 40
                priority: high
                percentile: 95
                maxBatch: 4
                instances: 2
                instanceLimit: 6
                weight: 2.5
                rate: 120
                preferredBatches: [2, 4]
                queueDelayMs: 3
                maxQueue: 50
                arrivals:
                  - {kind: poisson, rate: 100}
                  - {kind: bursty, rate: 16, priority: low, items: 2, timeoutMs: 30, sloMs: 35}
            graphs:
              - name: game
                sloMs: 80
                stages:
                  - {model: resnet50}
                  - {name: second, model: resnet50, after: [resnet50]}
                arrivals: {kind: steps, stepS: 5, rates: [4, 0, 8], repeats: true}
            faults:
              - {at: 3, device: gpu0, kind: slow, factor: 1.5, for: 2}
              - {at: 4.5, model: resnet50, kind: hangs}
            """
        )
        #expect(scenario.seed == 7 && scenario.warmUp == .seconds(2))
        #expect(
            scenario.duration == .seconds(10)
                && scenario.epochs == .init(.gpulets, every: .seconds(10))
        )
        #expect(scenario.planner == "elastic" && scenario.policy == "edf")
        #expect(scenario.devices[0].shares == [50, 100])
        let model = scenario.models[0]
        #expect(model.slo == .milliseconds(40) && model.percentile == 95 && model.maxBatch == 4)
        #expect(model.instances == 2 && model.instanceLimit == 6 && model.weightMilli == 2_500)
        #expect(model.priorities.defaultLevel == 1 && model.queues.allSatisfy { $0.maxSize == 50 })
        #expect(model.batching.preferredSizes == [2, 4])
        #expect(model.profiles[0].surface.latency(batch: 8, units: 50) == .milliseconds(20))
        #expect(scenario.declared == [120_000] && scenario.loads.count == 2)
        #expect(scenario.loads[0].arrivals == .poisson(rate: 100))
        #expect(scenario.loads[1].arrivals == .bursty(.standard(rate: 16)))
        #expect(scenario.loads[1].priority == .low && scenario.loads[1].items == 2)
        #expect(scenario.loads[1].timeout == .milliseconds(30))
        #expect(scenario.graphs[0].graph.stages[1].after == [0])
        let steps = RateSteps(step: .seconds(5), rates: [4, 0, 8], repeats: true)
        #expect(scenario.graphs[0].arrivals == .steps(steps))
        #expect(scenario.faults[0].kind == .slow(DeviceID(0), milli: 1_500))
        #expect(scenario.faults[0].at == .seconds(3) && scenario.faults[0].duration == .seconds(2))
        #expect(scenario.faults[1].kind == .hangs(ModelID(0)))
        #expect(scenario.noise.contention == .saturating && scenario.noise.strength == 0.5)
        #expect(scenario.contention.map(\.kind) == ["k"] && scenario.warnings.isEmpty)
    }

    @Test("The smallest scenario has the usual layers, and reports what can't be served")
    func small() throws {
        let scenario = try whole(
            """
            models:
              - {model: resnet50, sloMs: 4, arrivals: {kind: closed, concurrency: 3}}
              - {model: bert, arrivals: {kind: poisson, rate: 1}}
            """
        )
        #expect(scenario.planner == "whole" && scenario.scaler == "none")
        #expect(scenario.policy == "edf" && scenario.declared == [nil, nil])
        #expect(scenario.warnings.count == 2)
        #expect(scenario.warnings[0].hasPrefix("models[0]: 'resnet50': sloMs is 4, but one item"))
        #expect(scenario.warnings[1].hasPrefix("models[1]: 'bert' has no profile on any kind"))
    }

    @Test(
        "A wrong scenario names the place",
        arguments: [
            ("modls: []", "unknown key 'modls'; the nearest known one is 'models'"),
            ("models: []", "models: names no model"),
            ("models: [{model: resnet50}]", "models: nobody sends requests"),
            (
                "models: [{model: a, arrivals: {kind: poisson, rate: 0}}]",
                "models[0].arrivals.rate: must be at least 1e-6"
            ),
            (
                "models: [{model: a, arrivals: {kind: poisson, rate: 1e-9}}]",
                "models[0].arrivals.rate: must be at least 1e-6"
            ),
            (
                "models: [{model: a, arrivals: {kind: poisson, rate: 1e9}}]",
                "models[0].arrivals.rate: must lie within 0.0 and 10000000"
            ),
            (
                "models: [{model: a, arrivals: {kind: poison, rate: 1}}]",
                "'poison' is not known; known are poisson, uniform, bursty, steps, trace, closed,"
                    + " the nearest is 'poisson'"
            ),
            (
                "models: [{model: a, arrivals: {kind: closed, rate: 1}}]",
                "models[0].arrivals.rate: does not belong to arrivals of kind 'closed'"
            ),
            (
                "models: [{model: a}, {model: a}]",
                "models[1].model: the model 'a' is there twice; give its 'arrivals' a list"
            ),
            (
                "models: [{model: a, minShare: 60, maxShare: 50}]",
                "models[0].maxShare: must lie within 60.0 and 100"
            ),
            ("system: gpulet\nmodels: [{model: a}]", "the nearest is 'gpulets'"),
            ("warmUp: 10\nmodels: [{model: a}]", "warmUp: must be shorter than the duration, 10 s"),
            (
                "models: [{model: a, arrivals: {kind: poisson, rate: 1}}]\n"
                    + "faults: [{at: 1, device: gpu9, kind: lost}]",
                "faults[0].device: 'gpu9' is not known; known are gpu0"
            ),
            (
                "models: [{model: a, arrivals: {kind: poisson, rate: 1}}]\n"
                    + "faults: [{at: 1, device: gpu0, model: a, kind: lost}]",
                "faults[0].model: this kind hits a device"
            ),
            (
                "models: [{model: a}]\ngraphs: [{name: g, stages: [{model: a, after: [b]}], "
                    + "arrivals: {kind: poisson, rate: 1}}]",
                "graphs[0].stages[0].after[0]: there is no stage 'b' before this one"
            ),
            (
                "models: [{model: a}]\ngraphs: [{name: g, stages: [], "
                    + "arrivals: {kind: poisson, rate: 1}}]",
                "graphs[0].stages: must be 1 to 64 stages"
            ),
            (
                "models: [{model: a, arrivals: {kind: trace, file: none.csv}}]",
                "/nowhere/none.csv: there is no such file"
            ),
        ]
    )
    func wrong(rest: String, part: String) {
        let error = #expect(throws: DocumentError.self) { try whole(rest) }
        #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
        #expect(error?.description.contains("\n") == false)
    }

    @Test("Missing parts and a duration of nothing are refused")
    func missing() {
        for (text, part) in [
            ("models: []", "'duration' is missing"),
            ("duration: 0\nmodels: []", "duration: must be more than 0 seconds"),
            ("duration: 1\nmodels: []", "'cluster' is missing"),
            ("duration: 1\ncluster: none.json\nmodels: []", "/nowhere/none.json: there is no"),
            ("duration: 1\ncluster: {devices: []}", "cluster.devices: names no device"),
            ("duration: 1\ncluster: {devices: [{id: a, kind: k}]}", "'profiles' is missing"),
        ] {
            let error = #expect(throws: DocumentError.self) { try read(text) }
            #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
        }
    }

    @Test("Files that a scenario names are read from its own folder")
    func files() throws {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "sluice-scenario-\(ProcessInfo.processInfo.processIdentifier)")
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(
            at: folder.appending(path: "profiles/deep"),
            withIntermediateDirectories: true
        )
        func write(_ text: String, _ name: String) throws {
            try Data(text.utf8).write(to: folder.appending(path: name))
        }
        try write(Self.profile, "profiles/deep/one.yaml")
        try write("devices: [{id: a, kind: k}]", "cluster.yaml")
        try write("{kind: k, units: 100, memoryMiB: 9}", "k.json")
        try write("0.5,resnet50\n1.5,other\n2.5,resnet50\n", "trace.csv")
        let text = """
            duration: 5
            cluster: cluster.yaml
            kinds: [k.json]
            profiles: profiles
            models:
              - {model: resnet50, arrivals: {kind: trace, file: trace.csv, model: resnet50}}
            """
        let scenario = try read(text, in: folder.path)
        #expect(scenario.loads[0].arrivals == .trace([.milliseconds(500), .milliseconds(2_500)]))
        #expect(scenario.devices[0].memoryMiB == 9 && scenario.models[0].profiles.count == 1)
        try write(Self.profile, "profiles/two.json")
        let twice = #expect(throws: DocumentError.self) { try read(text, in: folder.path) }
        #expect(twice?.description.contains("two.json: model: there is a profile of") == true)
        let none = text.replacing("profiles: profiles", with: "profiles: empty")
        let missing = #expect(throws: DocumentError.self) { try read(none, in: folder.path) }
        #expect(missing?.description.contains("empty: there is no such file") == true)
    }

    @Test("Estimates stand in for descriptions always, for profiles where the scenario says so")
    func estimates() throws {
        var kind = DeviceDescription(kind: "k", units: 50)
        kind.contention = .loss(.prior)
        let surface = LatencySurface([.init(batch: 4, units: 50, latency: .milliseconds(2))])
        let estimates = Estimates(kinds: [kind]) { name, device in
            guard name == "bert" else { return nil }
            let profile = DeviceProfile(kind: device.kind, surface: surface)
            return Estimates.Model(profile: profile, inputBytes: 7, outputBytes: 3)
        }
        func read(_ profiles: String) throws -> ScenarioDocument {
            let text = """
                duration: 1
                cluster: {devices: [{id: a, kind: k}, {id: b, kind: k}]}
                profiles: \(profiles)
                models: [{model: bert, arrivals: {kind: poisson, rate: 1}}, {model: other}]
                """
            return try ScenarioDocument(
                reading: Array(text.utf8),
                source: "s",
                folder: DocumentFolder("/nowhere"),
                estimates: estimates
            )
        }
        let guessed = try read("presets")
        #expect(guessed.devices.map(\.units) == [50, 50])
        #expect(guessed.contention == [.init(kind: "k", model: .loss(.prior))])
        #expect(guessed.models[0].profiles.count == 1 && guessed.models[0].maxBatch == 4)
        #expect(guessed.models[0].inputBytes == 7 && guessed.models[0].outputBytes == 3)
        #expect(guessed.models[1].profiles.isEmpty)
        #expect(try read("[]").models[0].profiles.isEmpty)
    }

    @Test("Random damage to a scenario gives one line or a scenario, never a crash (seeded)")
    func damage() throws {
        let text = Array(
            (Self.head
                + "models: [{model: resnet50, sloMs: 40, arrivals: {kind: poisson, rate: 9}}]\n")
                .utf8
        )
        var refused = 0
        for seed in UInt64(1)...400 {
            var dice = SeededGenerator(seed: seed)
            var damaged = text
            for _ in 0..<(1 + dice.next() % 4) {
                let place = Int(dice.next() % UInt64(damaged.count))
                switch dice.next() % 3 {
                case 0: damaged[place] = UInt8(truncatingIfNeeded: dice.next())
                case 1: damaged.remove(at: place)
                default: damaged.insert(contentsOf: Array("-1e9: [{".utf8), at: place)
                }
            }
            do throws(DocumentError) {
                _ = try ScenarioDocument(
                    reading: damaged,
                    source: "s",
                    folder: DocumentFolder("/nowhere")
                )
            } catch {
                refused += 1
                #expect(!error.description.contains("\n"), "seed \(seed)")
            }
        }
        #expect(refused > 200)
    }
}
