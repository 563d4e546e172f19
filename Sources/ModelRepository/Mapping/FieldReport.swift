/// Says for every field that a configuration sets what becomes of it.
struct FieldReport {
    private var seen: Set<String> = []

    /// Adds one finding per field that is set, the keys of `parameters` left out.
    static func add(_ config: ConfigMessage, to findings: inout Findings) {
        var report = FieldReport()
        report.walk(config, prefix: "", &findings)
    }

    private mutating func walk(
        _ message: ConfigMessage,
        prefix: String,
        _ findings: inout Findings
    ) {
        for (field, slot) in zip(message.type.fields, message.slots) {
            guard let slot else { continue }
            let path = prefix + field.name
            if let rule = FieldRule.of(path) {
                report(rule, slot, &findings)
            } else {
                descend(slot.value, prefix: path + ".", &findings)
            }
        }
    }

    private mutating func descend(
        _ value: ConfigValue,
        prefix: String,
        _ findings: inout Findings
    ) {
        switch value {
        case .message(let message): walk(message, prefix: prefix, &findings)
        case .list(let values):
            for item in values { descend(item, prefix: prefix, &findings) }
        default: break
        }
    }

    private mutating func report(
        _ rule: FieldRule,
        _ slot: ConfigMessage.Slot,
        _ findings: inout Findings
    ) {
        // What asks for nothing has no effect to speak of: `eager_batching: false`.
        if rule.verdict != .mapped, Self.asksForNothing(slot.value) { return }
        guard !rule.note.isEmpty, seen.insert(rule.path).inserted else { return }
        findings.add(ConfigFinding(rule.path, rule.verdict, rule.note, at: slot.position))
    }

    private static func asksForNothing(_ value: ConfigValue) -> Bool {
        guard case .message(let message) = value else { return value.isDefault }
        // `response_cache { enable: false }` asks for nothing; `sequence_batching { }` does.
        guard message.type == .responseCache || message.type == .pinnedMemory else { return false }
        return !message.bool("enable")
    }
}
