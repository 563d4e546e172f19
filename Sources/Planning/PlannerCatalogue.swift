/// The planners by name.
public enum PlannerCatalogue {
    /// The names that can be asked for.
    public static let names = ["whole"]

    /// Finds a planner by its name, options included, such as `whole:slots=2`.
    ///
    /// - Throws: `PlanError` naming what is wrong and what there is.
    public static func planner(named text: String) throws(PlanError) -> any Planner {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let name = parts.first, name == "whole" else {
            throw PlanError("there is no planner '\(text)'; there is whole, whole:slots=K")
        }
        guard parts.count == 2 else { return WholePlanner() }
        let option = parts[1].split(separator: "=", omittingEmptySubsequences: false)
        guard option.count == 2, option[0] == "slots", let slots = Int32(option[1]),
            (1...1_024).contains(slots)
        else {
            throw PlanError("planner whole takes slots=1...1024, not '\(parts[1])'")
        }
        return WholePlanner(slots: slots)
    }
}
