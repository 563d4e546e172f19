import Logging
import ServerCore
import ServingDomain

/// Settings that change while the files stay: objectives, classes and limits need no file, no
/// session and no instance anew. The core is told by `modelChanged` and plans again.
extension ModelLoader {
    /// Goes on with `definition` if it differs from what serves in nothing but such settings;
    /// false: it has to be loaded.
    func change(_ name: String, to definition: ModelDefinition) -> Bool {
        let present = registry.ready(name)
        let seats = present.compactMap { registry.seat($0.id) }
        guard let first = seats.first, seats.count == definition.versions.count,
            seats.allSatisfy({ $0.servesUnchanged(definition) })
        else { return false }
        let changes = first.definition.rules.changes(to: definition.rules)
        // A load of what is there already is a wish to have it loaded anew.
        guard !changes.isEmpty else { return false }
        registry.replace(name, seats.map { change($0, definition) })
        logger.info(
            """
            model '\(name)' goes on with other settings, nothing is loaded anew: \
            \(changes.joined(separator: ", ")); planning anew for its SLO
            """
        )
        return true
    }

    private func change(_ seat: ModelSeat, _ definition: ModelDefinition) -> Servable {
        let old = seat.servable
        var spec = old.spec
        spec.takeSettings(of: definition.rules)
        let servable = Servable(
            spec: spec,
            definition: definition,
            platform: old.platform,
            statistics: old.statistics,
            tenure: old.tenure
        )
        seat.set(servable, definition)
        // The core keeps what it has measured where the change says nothing of it.
        spec.surface = nil
        spec.profiles = []
        driver.post(.modelChanged(spec))
        return servable
    }
}

extension ModelSeat {
    /// Whether `artifact`, as a source first describes it, is the file that serves here.
    func isMade(of artifact: ModelArtifact) -> Bool {
        var own = self.artifact
        own.signature = artifact.signature
        return own == artifact
    }

    /// Whether `other` could be served by the instances that are here.
    func servesUnchanged(_ other: ModelDefinition) -> Bool {
        let own = definition
        guard own.ensemble == nil, other.rules.maxBatch <= warmedBatch else { return false }
        var like = other
        like.rules.takeSettings(of: own.rules)
        like.configJSON = own.configJSON
        like.configBytes = own.configBytes
        return like == own
    }
}

extension ModelSpec {
    /// Takes over what may change while a model serves.
    mutating func takeSettings(of other: ModelSpec) {
        slo = other.slo
        percentile = other.percentile
        if priorities.levels == other.priorities.levels { priorities = other.priorities }
        maxBatch = other.maxBatch
        instanceLimit = other.instanceLimit
        minShare = other.minShare
        maxShare = other.maxShare
    }

    /// The settings in which `other` differs, each with what it was and what it is to be.
    func changes(to other: ModelSpec) -> [String] {
        func text(_ span: TimeSpan?) -> String { span.map { "\($0.inMilliseconds)" } ?? "none" }
        let rows: [(name: String, old: String, new: String)] = [
            ("slo.latency_ms", text(slo), text(other.slo)),
            ("slo.percentile", "\(percentile)", "\(other.percentile)"),
            ("priority.class", "\(priority)", "\(other.priority)"),
            ("batch.limit", "\(maxBatch)", "\(other.maxBatch)"),
            ("instances.limit", "\(instanceLimit)", "\(other.instanceLimit)"),
            ("gpulet.min_share", "\(minShare)", "\(other.minShare)"),
            ("gpulet.max_share", "\(maxShare)", "\(other.maxShare)"),
        ]
        return rows.filter { $0.old != $0.new }.map { "\($0.name) \($0.old) -> \($0.new)" }
    }
}
