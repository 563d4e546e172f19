import ServingDomain

/// The planners by name.
public enum PlannerCatalogue {
    /// The names that can be asked for.
    public static let names =
        ["whole", "temporal", "self-tuning", "elastic", "exhaustive", "confluence"]

    /// Finds a planner by its name, options included, such as `whole:slots=2`.
    ///
    /// - Throws: `PlanError` naming the nearest planner or option, and what there is.
    public static func planner(named text: String) throws(PlanError) -> any Planner {
        let asked = OptionedName(text)
        switch asked.name {
        case "whole": return try whole(asked.options)
        case "temporal":
            return TemporalPlanner(
                options: try GpuletOptions(reading: asked.options, of: asked.name)
            )
        case "self-tuning":
            return SelfTuningPlanner(
                options: try GpuletOptions(reading: asked.options, of: asked.name)
            )
        case "elastic":
            return ElasticPlanner(
                options: try GpuletOptions(reading: asked.options, of: asked.name)
            )
        case "exhaustive":
            return ExhaustivePlanner(
                options: try GpuletOptions(reading: asked.options, of: asked.name)
            )
        case "confluence": return try ConfluencePlanner(reading: asked.options)
        default: throw PlanError(OptionedName.unknown("planner", asked.name, known: names))
        }
    }

    private static func whole(
        _ options: [OptionedName.Option]
    ) throws(PlanError) -> WholePlanner {
        var slots: Int32?
        for option in options {
            guard option.key == "slots" else {
                let line = OptionedName.unknown("option", option.key, known: ["slots"])
                throw PlanError("Planner 'whole': \(line)")
            }
            guard let value = Int32(option.value), (1...1_024).contains(value) else {
                throw PlanError(
                    "Planner 'whole': slots is '\(option.value)', but must be a whole number in "
                        + "1...1024; write for example whole:slots=2."
                )
            }
            slots = value
        }
        return WholePlanner(slots: slots)
    }
}
