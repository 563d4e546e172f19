import ServerCore
import ServingDomain

/// Plays a golden script with a core: commands are facts, answers are the core's orders.
///
/// Plans, rollout steps and instances are carried out at once unless the script says
/// `core ... control=manual`; batches end when the script says so. The auditor's complaints are
/// part of the answer. The commands are described in `CoreStory+Commands.swift`.
public final class CoreStory {
    var core: ServerCore?
    var auditor = Auditor()
    var now = Instant.zero
    var models: [String: ModelID] = [:]
    var specs: [ModelID: ModelSpec] = [:]
    var requests: [String: RequestID] = [:]
    var names: [RequestID: String] = [:]
    var batches: [String: BatchID] = [:]
    var batchNames: [BatchID: String] = [:]
    var began: [BatchID: Instant] = [:]
    var slots: Int32?
    var isManual = false
    var lost: [(Epoch, PlanInputs)] = []
    var steps: [(Epoch, RolloutStep)] = []
    var nextSlot: Int32 = 0
    var lines: [String] = []
    private var buffer = ActionBuffer()
    private var follow: [Event] = []

    /// Creates a story that has not begun.
    public init() {}

    /// Plays a block's commands and returns what came of them.
    public func play(_ commands: [String]) -> [String] {
        lines = []
        for command in commands {
            do {
                try perform(command)
            } catch {
                lines.append("ERROR \(error.message)")
            }
        }
        return lines
    }

    /// Begins anew, at time zero.
    func forget() {
        auditor = Auditor()
        now = .zero
        models = [:]
        specs = [:]
        requests = [:]
        names = [:]
        batches = [:]
        batchNames = [:]
        began = [:]
        lost = []
        steps = []
        nextSlot = 0
    }

    /// Tells the core a fact, and, unless control is manual, what follows from it.
    func send(_ event: Event) {
        tell(event)
        while !follow.isEmpty { tell(follow.removeFirst()) }
    }

    private func tell(_ event: Event) {
        guard core != nil else { return lines.append("ERROR begin with: core policy=...") }
        buffer.removeAll()
        core?.handle(event, at: now, into: &buffer)
        let known = auditor.complaints.count
        look(at: event)
        for action in buffer.actions { tell(of: action) }
        for line in auditor.complaints.dropFirst(known) { lines.append("AUDIT \(line)") }
    }

    private func look(at event: Event) {
        guard let core = core.take() else { return }
        auditor.look(at: event, now, buffer, core)
        self.core = consume core
    }

    /// Lets time pass until `end`; the core is woken whenever it asked for it.
    func pass(until end: Instant) {
        while let wake = core?.nextWake, wake <= end {
            now = max(now, wake)
            send(.wake)
        }
        now = max(now, end)
    }

    // MARK: Orders as text

    private func say(_ line: String) { lines.append("\(Self.text(now)) \(line)") }

    private func tell(of action: Action) {
        switch action {
        case .launch(let order): tell(of: order)
        case .terminate(let batch, let instance):
            say("terminate \(name(batch)) on i\(instance.index)")
        case .reply(let request, let outcome): end(request, "reply", "\(outcome)")
        case .timeout(let request): end(request, "timeout", "late")
        case .drop(let request, let reason): end(request, "drop", "\(reason)")
        case .refuse(let request, let refusal): end(request, "refuse", "\(refusal)")
        case .startInstance(let order):
            say(
                "start i\(order.instance.index) of \(name(order.model)) on g\(order.gpulet.index), "
                    + "batch <= \(order.batchLimit), siblings \(order.siblings)"
                    + (order.width > 0 ? ", \(order.width) units each" : "")
            )
            if !isManual { follow.append(.instanceReady(order.instance, [])) }
        case .stopInstance(let instance):
            say("stop i\(instance.index)")
            if !isManual { follow.append(.instanceGone(instance, .stopped)) }
        case .abandonInstance(let instance): say("abandon i\(instance.index)")
        case .computePlan(let epoch, let inputs):
            say("plan \(epoch.number) for \(inputs.models.map(\.name).joined(separator: " "))")
            if isManual {
                lost.append((epoch, inputs))
            } else {
                follow.append(.planReady(epoch, Plan.whole(inputs, slots: slots)))
            }
        case .rollout(let epoch, let step):
            say("step \(Self.text(step)) of plan \(epoch.number)")
            if isManual {
                steps.append((epoch, step))
            } else {
                follow.append(.stepDone(epoch, step))
            }
        }
    }

    private func tell(of order: LaunchOrder) {
        if batchNames[order.batch] == nil {
            let name = "b\(batchNames.count + 1)"
            batchNames[order.batch] = name
            batches[name] = order.batch
        }
        began[order.batch] = now
        let riders = order.requests.map { names[buffer.requests[Int($0)]] ?? "?" }
        var line =
            "launch \(name(order.batch)) of \(name(order.model)) on i\(order.instance.index): "
        line += riders.joined(separator: " ")
        if Int(order.items) != riders.count { line += " (\(order.items) items)" }
        if order.stage != .whole { line += ", stage \(order.stage)" }
        if order.overtakes { line += ", goes first" }
        if order.latest != .distantFuture { line += ", latest \(Self.text(order.latest))" }
        if let expected = order.expected { line += ", expected \(Self.text(expected))" }
        say(line)
    }

    private func end(_ request: RequestID, _ verb: String, _ detail: String) {
        say("\(verb) \(names[request] ?? "?") \(detail)")
    }

    func name(_ model: ModelID) -> String { specs[model]?.name ?? "m\(model.index)" }
    func name(_ batch: BatchID) -> String { batchNames[batch] ?? "b?" }

    static func text(_ instant: Instant) -> String { text(instant - Instant.zero) }

    /// A span in milliseconds without needless decimals.
    static func text(_ span: TimeSpan) -> String {
        let whole = span.nanoseconds / 1_000_000
        var rest = abs(span.nanoseconds % 1_000_000)
        let sign = span.nanoseconds < 0 && whole == 0 ? "-" : ""
        guard rest != 0 else { return "\(whole)ms" }
        var digits = ""
        for _ in 0..<6 {
            digits = "\(rest % 10)" + digits
            rest /= 10
        }
        while digits.hasSuffix("0") { digits.removeLast() }
        return "\(sign)\(whole).\(digits)ms"
    }

    private static func text(_ step: RolloutStep) -> String {
        switch step {
        case .open(let gpulet, let device, let units):
            "open g\(gpulet.index) on d\(device.index) with \(units) units"
        case .pin(let gpulet, let units): "pin g\(gpulet.index) to \(units) units"
        case .close(let gpulet): "close g\(gpulet.index)"
        }
    }
}

/// Why a command could not be played.
struct StoryError: Error {
    let message: String

    init(_ message: String) { self.message = message }
}
