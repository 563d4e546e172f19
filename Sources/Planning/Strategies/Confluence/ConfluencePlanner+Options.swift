import ServingDomain

extension ConfluencePlanner {
    /// What can be asked for behind the name.
    static let optionNames =
        ["capacity", "effort", "spatial", "temporal", "interference", "maxGpulets"]
        + ["margins", "inflation", "ratio", "slack"]

    /// Reads the options behind the planner's name, such as `capacity=paper`.
    ///
    /// - Throws: `PlanError` naming the nearest option, or what the option can be set to.
    init(reading options: [OptionedName.Option]) throws(PlanError) {
        self.init()
        var shared: [OptionedName.Option] = []
        for option in options {
            guard Self.optionNames.contains(option.key) else {
                let line = OptionedName.unknown("option", option.key, known: Self.optionNames)
                throw PlanError("Planner 'confluence': \(line)")
            }
            switch option.key {
            case "capacity":
                guard let chosen = Capacity(rawValue: option.value) else {
                    throw PlanError(
                        "Planner 'confluence': capacity is '\(option.value)', but must be queue"
                            + " or paper."
                    )
                }
                capacity = chosen
            case "effort":
                guard let chosen = Int32(option.value), (1...10_000).contains(chosen) else {
                    throw PlanError(
                        "Planner 'confluence': effort is '\(option.value)', but must be a whole"
                            + " number in 1...10000; 100 is usual."
                    )
                }
                effort = chosen
            default: shared.append(option)
            }
        }
        self.options = try GpuletOptions(reading: shared, of: "confluence")
    }

    /// The name under which it is asked for, options included.
    public var name: String {
        var parts: [String] = []
        if capacity != .queue { parts.append("capacity=\(capacity.rawValue)") }
        if effort != 100 { parts.append("effort=\(effort)") }
        let shared = options.suffix.dropFirst()
        if !shared.isEmpty { parts.append(String(shared)) }
        return parts.isEmpty ? "confluence" : "confluence:" + parts.joined(separator: ",")
    }
}
