import ServingDomain

/// Ensembles: no file, no seat, no number in the core; only their steps have.
extension ModelLoader {
    /// Loads the models that an ensemble calls, where they do not answer yet, and wires it.
    func wire(
        _ ensemble: EnsembleDefinition,
        _ definition: ModelDefinition,
        within ensembles: [String]
    ) throws(SourceError) -> [Servable] {
        let chain = ensembles + [definition.name]
        guard Set(chain).count == chain.count else {
            throw SourceError(
                .invalid,
                "ensemble '\(definition.name)' calls itself: \(chain.joined(separator: " -> "))"
            )
        }
        let wiring = try EnsembleWiring(
            ensemble,
            name: definition.name,
            signature: definition.signature,
            rules: definition.rules
        ) { (name, version) throws(SourceError) in
            try stepModel(name, version, within: chain)
        }
        return definition.versions.map { artifact in
            var spec = definition.rules
            spec.id = ModelID(-1)
            spec.version = artifact.version
            return Servable(
                spec: spec,
                definition: definition,
                platform: "ensemble",
                statistics: ModelStatistics(),
                wiring: wiring
            )
        }
    }

    private func stepModel(
        _ name: String,
        _ version: Int64?,
        within chain: [String]
    ) throws(SourceError) -> Servable {
        if let found = try? registry.servable(named: name, version: version) { return found }
        guard !chain.contains(name) else {
            let way = (chain + [name]).joined(separator: " -> ")
            throw SourceError(.invalid, "an ensemble calls itself: \(way)")
        }
        try load(name, nil, within: chain).get()
        do throws(LookupFailure) {
            return try registry.servable(named: name, version: version)
        } catch {
            throw SourceError(
                .invalid,
                "step '\(name)' has no version \(version.map(String.init) ?? "that is ready")"
            )
        }
    }
}
