import ServerCore
import ServingDomain

/// The commands of a story:
///
///     core policy=edf [devices=1] [units=4] [slots=K] [control=manual] [watchdog=60] [queue=N]
///          [grace=10] [abandoned=4]
///          [engines=2]                    with copy engines: 1 GB/s, 10 us for each copy
///     at 12ms                             time passes; the core is woken whenever it asked
///     jump 12ms                           time passes; the core is not woken
///     model NAME [batch=8] [latency=1:10,8:30] [instances=1] [delay=5] [preferred=4,8]
///           [dynamic=no] [ordered=yes] [levels=2] [level1=max:4,timeout:10,delay] ...
///           [bytes=N] [segments=1] [busy=0.5]      per item; of everything, while it runs
///     change NAME ...                     the same with new settings
///     remove NAME
///     arrive R NAME [deadline=30] [timeout=40] [level=2] [items=1] [shape=0]   relative, ms
///     finish B [took=10] | fail B | refuse B | stage B | cancel R
///     drain | lose D | back D | wake | state
///     planned [G;G...]                    answers the oldest plan: `whole`, or gpulets of device
///                                         0 as UNITS/SLOTS[/DUTY]:NAMExBATCHxINSTANCES[xRATE]+...
///     unplanned                           answers that there is none
///     stepped | unstepped                 answers the oldest step
///     ready I [latency=1:10] | gone I [failed]
extension CoreStory {
    func perform(_ command: String) throws(StoryError) {
        var words = command.split(separator: " ").map(String.init)
        let verb = words.removeFirst()
        var options: [String: String] = [:]
        var plain: [String] = []
        for word in words {
            if let sign = word.firstIndex(of: "=") {
                options[String(word[..<sign])] = String(word[word.index(after: sign)...])
            } else {
                plain.append(word)
            }
        }
        if try performRequest(verb, plain, options) { return }
        if try performControl(verb, plain, options) { return }
        throw StoryError("unknown command '\(command)'")
    }

    private func performRequest(
        _ verb: String,
        _ plain: [String],
        _ options: [String: String]
    ) throws(StoryError) -> Bool {
        let first = plain.first ?? ""
        switch verb {
        case "core": try begin(options)
        case "at": pass(until: .zero + .milliseconds(rounding: try number(first)))
        case "jump": now = max(now, .zero + .milliseconds(rounding: try number(first)))
        case "arrive": try arrive(first, plain.last ?? "", options)
        case "cancel": send(.cancelled(try request(first)))
        case "finish":
            let batch = try batch(first)
            let begin = began[batch] ?? now
            let took = try options["took"].map(number).map { begin + .milliseconds(rounding: $0) }
            send(.batchFinished(batch, .run(from: begin, to: took ?? now)))
        case "fail": send(.batchFailed(try batch(first)))
        case "refuse": send(.batchRefused(try batch(first)))
        case "stage":
            let batch = try batch(first)
            send(.stageFinished(batch, .run(from: began[batch] ?? now, to: now)))
        case "wake": send(.wake)
        case "state": describe()
        default: return false
        }
        return true
    }

    private func performControl(
        _ verb: String,
        _ plain: [String],
        _ options: [String: String]
    ) throws(StoryError) -> Bool {
        let first = plain.first ?? ""
        switch verb {
        case "model": send(.modelAdded(try spec(first, options)))
        case "change": send(.modelChanged(try spec(first, options)))
        case "remove": send(.modelRemoved(try model(first)))
        case "drain": send(.drainBegan)
        case "lose": send(.deviceLost(DeviceID(try index(first))))
        case "back": send(.deviceBack(DeviceID(try index(first))))
        case "ready":
            let points = try options["latency"].map(surface)?.points ?? []
            send(.instanceReady(InstanceID(try index(first)), points))
        case "gone":
            let end: InstanceEnd = plain.last == "failed" ? .failed : .stopped
            send(.instanceGone(InstanceID(try index(first)), end))
        case "planned":
            guard !lost.isEmpty else { throw StoryError("no plan was asked for") }
            let (epoch, inputs) = lost.removeFirst()
            send(.planReady(epoch, try plan(first, inputs)))
        case "unplanned":
            guard !lost.isEmpty else { throw StoryError("no plan was asked for") }
            send(.planFailed(lost.removeFirst().0))
        case "stepped", "unstepped":
            guard !steps.isEmpty else { throw StoryError("no step was ordered") }
            let (epoch, step) = steps.removeFirst()
            send(verb == "stepped" ? .stepDone(epoch, step) : .stepFailed(epoch, step))
        default: return false
        }
        return true
    }

    // MARK: Single commands

    private func begin(_ options: [String: String]) throws(StoryError) {
        var limits = CoreLimits.small
        limits.watchdogSeconds = Int32(try number(options["watchdog"] ?? "60"))
        limits.graceSeconds = Int32(try number(options["grace"] ?? "10"))
        limits.abandonedInstances = Int32(try number(options["abandoned"] ?? "4"))
        limits.queue = Int32(try number(options["queue"] ?? "128"))
        slots = try options["slots"].map(number).map { Int32($0) }
        isManual = options["control"] == "manual"
        let units = Int32(try number(options["units"] ?? "4"))
        let devices = Int32(try number(options["devices"] ?? "1"))
        let engines = Int32(try number(options["engines"] ?? "0"))
        let configuration = CoreConfiguration(
            devices: (0..<devices).map { number in
                var device = device(Int32(number), units, engines)
                device.preemptsLow = options["low"] == "yields"
                return device
            },
            policy: options["policy"] ?? "edf",
            limits: limits
        )
        forget()
        do {
            core = try ServerCore(configuration)
        } catch {
            throw StoryError(error.message)
        }
    }

    private func device(_ index: Int32, _ units: Int32, _ engines: Int32) -> DeviceSpec {
        let copy = CopySpec(setup: .microseconds(10), bytesPerSecond: 1_000_000_000)
        return .sample(index, units: units, copyEngines: engines, copy: engines > 0 ? copy : nil)
    }

    private func arrive(
        _ name: String,
        _ modelName: String,
        _ options: [String: String]
    ) throws(StoryError) {
        // A slot of its own for every request, unless the script names one.
        let slot = try options["slot"].map(number).map { Int32($0) } ?? nextSlot
        nextSlot = max(nextSlot, slot) + 1
        let id = RequestID(slot: slot, generation: 0)
        requests[name] = id
        names[id] = name
        var arrival = Arrival(request: id, model: try model(modelName), arrival: now)
        arrival.items = Int32(try number(options["items"] ?? "1"))
        arrival.level = Int32(try number(options["level"] ?? "2"))
        arrival.shape = ShapeKey(Int32(try number(options["shape"] ?? "0")))
        arrival.deadline = try options["deadline"].map(number).map {
            now + .milliseconds(rounding: $0)
        }
        arrival.timeout = try options["timeout"].map(number).map {
            now + .milliseconds(rounding: $0)
        }
        send(.arrived(arrival))
    }

    private func describe() {
        let wake = core?.nextWake.map { Self.text($0) } ?? "never"
        var line = "waiting"
        for model in specs.keys.sorted() {
            line += " \(name(model)):\(core?.waiting(model) ?? 0)"
        }
        lines.append("\(line); wakes \(wake)")
    }

    // MARK: Words

    func number(_ text: String) throws(StoryError) -> Double {
        let digits = text.hasSuffix("ms") ? String(text.dropLast(2)) : text
        guard let value = Double(digits) else { throw StoryError("'\(text)' is no number") }
        return value
    }

    private func index(_ text: String) throws(StoryError) -> Int32 {
        guard let index = Int32(text.dropFirst()) else { throw StoryError("'\(text)' is no name") }
        return index
    }

    private func model(_ name: String) throws(StoryError) -> ModelID {
        if let model = models[name] { return model }
        throw StoryError("no model '\(name)'")
    }

    private func request(_ name: String) throws(StoryError) -> RequestID {
        if let request = requests[name] { return request }
        throw StoryError("no request '\(name)'")
    }

    private func batch(_ name: String) throws(StoryError) -> BatchID {
        if let batch = batches[name] { return batch }
        throw StoryError("no batch '\(name)'")
    }

    private func numbers(_ text: String) throws(StoryError) -> [Int32] {
        var all: [Int32] = []
        for word in text.split(separator: ",") { all.append(Int32(try number(String(word)))) }
        return all
    }

    private func surface(_ text: String) throws(StoryError) -> LatencySurface {
        var surface = LatencySurface([])
        for word in text.split(separator: ",") {
            let parts = word.split(separator: ":").map(String.init)
            guard parts.count == 2 || parts.count == 3 else { throw StoryError("latency=1:10,...") }
            surface.set(
                LatencySurface.Point(
                    batch: Int32(try number(parts[0])),
                    units: parts.count == 3 ? Int32(try number(parts[2])) : 4,
                    latency: .milliseconds(rounding: try number(parts[1]))
                )
            )
        }
        return surface
    }

    private func spec(
        _ name: String,
        _ options: [String: String]
    ) throws(StoryError) -> ModelSpec {
        let id = models[name] ?? ModelID(Int32(models.count))
        var batching = BatchingRules(dynamic: options["dynamic"] != "no")
        batching.preferredSizes = try options["preferred"].map(numbers) ?? []
        batching.maxQueueDelay = .milliseconds(rounding: try number(options["delay"] ?? "0"))
        batching.preserveOrdering = options["ordered"] == "yes"
        let levels = Int32(try number(options["levels"] ?? "2"))
        var queues: [QueueRules] = []
        for level in 1...levels { queues.append(try rules(options["level\(level)"] ?? "")) }
        var spec = ModelSpec(
            id: id,
            name: name,
            maxBatch: Int32(try number(options["batch"] ?? "8")),
            batching: batching,
            priorities: PriorityRules(levels: levels, defaultLevel: levels),
            queues: queues,
            instances: Int32(try number(options["instances"] ?? "1")),
            surface: try options["latency"].map(surface)
        )
        spec.inputBytes = Int64(try number(options["bytes"] ?? "0"))
        if options["segments"] != nil || options["busy"] != nil, let surface = spec.surface {
            let part = try number(options["busy"] ?? "0")
            var profile = DeviceProfile(kind: "test", surface: surface)
            profile.utilization = [Utilization(batch: 1, sm: part, l2: part, dram: part)]
            profile.segments = Int32(try number(options["segments"] ?? "1"))
            spec.profiles = [profile]
        }
        models[name] = id
        specs[id] = spec
        return spec
    }

    private func rules(_ text: String) throws(StoryError) -> QueueRules {
        var rules = QueueRules.standard
        for word in text.split(separator: ",") {
            let parts = word.split(separator: ":").map(String.init)
            switch parts[0] {
            case "max": rules.maxSize = Int32(try number(parts[1]))
            case "timeout": rules.timeout = .milliseconds(rounding: try number(parts[1]))
            case "delay": rules.timeoutAction = .delay
            case "override": rules.allowsOverride = true
            default: throw StoryError("unknown queue rule '\(word)'")
            }
        }
        return rules
    }

    /// `whole`, or gpulets of device 0 such as `2/1:ax8x1+bx4x1;2/1:cx1x1`: units and slots, then
    /// model, batch, instances and, if need be, rate and width of each lane.
    private func plan(_ text: String, _ inputs: PlanInputs) throws(StoryError) -> Plan {
        guard !text.isEmpty, text != "whole" else { return Plan.whole(inputs, slots: slots) }
        var gpulets: [Plan.GpuletLayout] = []
        for part in text.split(separator: ";") {
            let sides = part.split(separator: ":", omittingEmptySubsequences: false)
            let sizes = sides[0].split(separator: "/").map(String.init)
            var lanes: [Plan.LanePlacement] = []
            for lane in (sides.count > 1 ? sides[1] : "").split(separator: "+") {
                let words = lane.split(separator: "x").map(String.init)
                lanes.append(
                    Plan.LanePlacement(
                        model: try model(words[0]),
                        batchLimit: Int32(try number(words[1])),
                        instances: Int32(try number(words[2])),
                        width: words.count > 4 ? Int32(try number(words[4])) : nil,
                        milliRate: words.count > 3 ? Int64(try number(words[3]) * 1_000) : 0
                    )
                )
            }
            gpulets.append(
                Plan.GpuletLayout(
                    units: Int32(try number(sizes[0])),
                    slots: Int32(try number(sizes[1])),
                    dutyCycle: sizes.count > 2
                        ? .milliseconds(rounding: try number(sizes[2])) : nil,
                    lanes: lanes
                )
            )
        }
        return Plan(
            planner: "scripted",
            devices: [Plan.DeviceLayout(device: DeviceID(0), gpulets: gpulets)]
        )
    }
}
