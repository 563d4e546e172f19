import ServerRuntime

/// Maps `ensemble_scheduling`: which models are called, and which tensors go from one to another.
enum EnsembleRule {
    /// Whether a configuration describes an ensemble.
    static func isEnsemble(_ config: ConfigMessage) -> Bool {
        config.has("ensemble_scheduling") || config.string("platform") == "ensemble"
    }

    /// The steps; nil where the configuration is wrong, which stands in the findings.
    static func map(
        _ config: ConfigMessage,
        _ findings: inout Findings
    ) -> EnsembleDefinition? {
        for (side, tensors) in ["input", "output"].map({ ($0, config.messages($0)) })
        where tensors.isEmpty {
            findings.error(side, "an ensemble names its tensors itself; add at least one \(side)")
        }
        let scheduling = config.message("ensemble_scheduling") ?? ConfigMessage(.ensembling)
        let steps = scheduling.messages("step")
        guard (1...EnsembleDefinition.mostSteps).contains(steps.count) else {
            findings.error(
                "ensemble_scheduling.step",
                "there are \(steps.count); an ensemble has 1 to \(EnsembleDefinition.mostSteps)",
                at: config.position("ensemble_scheduling")
            )
            return nil
        }
        var mapped: [EnsembleDefinition.Step] = []
        for step in steps { if let step = read(step, &findings) { mapped.append(step) } }
        return mapped.count == steps.count ? EnsembleDefinition(steps: mapped) : nil
    }

    private static func read(
        _ step: ConfigMessage,
        _ findings: inout Findings
    ) -> EnsembleDefinition.Step? {
        let model = step.string("model_name")
        guard !model.isEmpty else {
            findings.error(
                "ensemble_scheduling.step.model_name",
                "is missing; name the model that the step calls"
            )
            return nil
        }
        if step.has("model_namespace") {
            findings.ignored(
                "ensemble_scheduling.step.model_namespace",
                "models have one name each; namespaces are not kept",
                at: step.position("model_namespace")
            )
        }
        let version = step.int("model_version")
        guard !step.has("model_version") || version == -1 || version >= 1 else {
            findings.error(
                "ensemble_scheduling.step.model_version",
                "\(version) is no version; give 1 or more, or -1 for the latest",
                at: step.position("model_version")
            )
            return nil
        }
        let inputs = bindings(step, "input_map", &findings)
        let outputs = bindings(step, "output_map", &findings)
        guard !inputs.isEmpty, !outputs.isEmpty else { return nil }
        return EnsembleDefinition.Step(
            model: model,
            version: version >= 1 ? version : nil,
            inputs: inputs,
            outputs: outputs
        )
    }

    private static func bindings(
        _ step: ConfigMessage,
        _ field: String,
        _ findings: inout Findings
    ) -> [EnsembleDefinition.Binding] {
        let bindings = step.entries(field).compactMap { entry -> EnsembleDefinition.Binding? in
            guard case .string(let tensor) = entry.value, !tensor.isEmpty else { return nil }
            return EnsembleDefinition.Binding(port: entry.key, tensor: tensor)
        }
        if bindings.isEmpty || bindings.count < step.entries(field).count {
            findings.error(
                "ensemble_scheduling.step.\(field)",
                "step '\(step.string("model_name"))' must map tensors of its model to names of "
                    + "the ensemble's own",
                at: step.position(field)
            )
            return []
        }
        return bindings
    }
}
