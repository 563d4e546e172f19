import ServingDomain

/// What a planner's name promises of its plans, and hence what the audit may hold against them.
struct PlanPromise {
    /// Whether lanes are planned by rate and objective at all; `whole` only places models.
    let isPlanned: Bool
    /// Whether predicted slowdowns count in the test of the objective.
    let seesCoRunners: Bool
    /// Whether a target violation stands in place of the papers' test (rule 5).
    let isQueueAware: Bool
    /// What was added to demand and latency (rule 7).
    let margins: Margins
    /// Whether the released code's own order made it, which bends rules that it breaks itself.
    let isReleased: Bool

    init(planner: String) {
        let asked = OptionedName(planner)
        func value(_ key: String) -> String? { asked.options.last { $0.key == key }?.value }
        isPlanned = asked.name != "whole"
        isQueueAware = asked.name == "confluence" && value("capacity") != "paper"
        seesCoRunners =
            !["whole", "temporal", "self-tuning"].contains(asked.name)
            && value("interference") != "off"
        isReleased = value("order") == "released"
        var margins: Margins = value("margins") == "released" ? .released : .none
        if let inflation = value("inflation") { margins.inflatesDemand = inflation == "on" }
        if let ratio = value("ratio").flatMap({ Double($0) }), (1...100).contains(ratio) {
            margins.latencyMilli = Int64((ratio * 1_000).rounded())
        }
        if let slack = value("slack").flatMap({ Double($0) }), (0...1e6).contains(slack) {
            margins.slackMilliRate = Int64((slack * 1_000).rounded())
        }
        self.margins = margins
    }
}
