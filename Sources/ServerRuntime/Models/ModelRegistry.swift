import ServingDomain
import Synchronization

/// Which models there are, where each stands, and which version answers for a name.
final class ModelRegistry: Sendable {
    private struct Version {
        var state: IndexEntry.State
        var reason = ""
    }

    /// The reason of what is not there because somebody asked for that.
    private static let unloaded = "unloaded"

    private struct Model {
        /// Every version that was ever loaded.
        var versions: [Int64: Version] = [:]
        /// Those that answer, ascending.
        var ready: [Servable] = []
        var reason = ""
        var state = IndexEntry.State.loading

        /// Whether the server is whole without it: it answers, or somebody unloaded it.
        var isAsWanted: Bool {
            !ready.isEmpty || state == .unloading
                || (state == .unavailable && reason == ModelRegistry.unloaded)
        }

        /// One line on why the model does not answer.
        func word(for name: String) -> String {
            switch state {
            case .loading: "model '\(name)' is being loaded; ask again when it is ready"
            case .unloading: "model '\(name)' is being unloaded"
            case .ready, .unavailable:
                reason.isEmpty
                    ? "model '\(name)' has no version that is ready"
                    : "model '\(name)' is unavailable: \(reason)"
            }
        }
    }

    private struct State {
        var models: [String: Model] = [:]
        var seats: [ModelSeat?]
        /// Numbers that are free, the one that has been free longest first.
        var free: [ModelID]
    }

    private let state: Mutex<State>

    init(capacity: Int32) {
        state = Mutex(
            State(
                seats: Array(repeating: nil, count: Int(capacity)),
                free: (0..<capacity).map { ModelID($0) }
            )
        )
    }

    // MARK: Asking

    /// The version that answers for `name`.
    func servable(named name: String, version: Int64?) throws(LookupFailure) -> Servable {
        let answer: Result<Servable, LookupFailure> = state.withLock { state in
            guard let model = state.models[name] else { return .failure(.unknownModel) }
            guard let version else {
                guard let latest = model.ready.last else {
                    return .failure(.notReady(model.word(for: name)))
                }
                return .success(latest)
            }
            if let found = model.ready.first(where: { $0.spec.version == version }) {
                return .success(found)
            }
            guard model.versions[version] != nil else { return .failure(.unknownVersion) }
            return .failure(.notReady(model.word(for: name)))
        }
        return try answer.get()
    }

    /// What answers in place of a version that has gone: that of the same number, else the latest;
    /// nil where there is none, or it takes other tensors.
    func successor(of old: Servable) -> Servable? {
        let ready = ready(old.spec.name)
        let next = ready.first { $0.spec.version == old.spec.version } ?? ready.last
        guard let next, next.tenure !== old.tenure, next.signature == old.signature else {
            return nil
        }
        return next
    }

    /// Throws if `servable` is an ensemble and one of its steps' models does not answer.
    func checkSteps(of servable: Servable) throws(LookupFailure) {
        for step in servable.wiring?.steps ?? [] {
            do throws(LookupFailure) {
                _ = try self.servable(named: step.model, version: step.version)
            } catch {
                let reason = if case .notReady(let reason) = error { reason } else { "unknown" }
                throw .notReady("step '\(step.model)' does not answer: \(reason)")
            }
        }
    }

    /// The versions that answer for `name`, ascending.
    func ready(_ name: String) -> [Servable] {
        state.withLock { $0.models[name]?.ready ?? [] }
    }

    /// Every version that answers, by name and version.
    func servables() -> [Servable] {
        state.withLock { state in state.models.values.flatMap(\.ready) }
            .sorted { ($0.spec.name, $0.spec.version) < ($1.spec.name, $1.spec.version) }
    }

    /// The repository index of the models known here.
    func index() -> [IndexEntry] {
        let entries = state.withLock { state in
            state.models.flatMap { name, model -> [IndexEntry] in
                if model.versions.isEmpty {
                    return [
                        IndexEntry(
                            name: name,
                            version: nil,
                            state: model.state,
                            reason: model.reason
                        )
                    ]
                }
                return model.versions.map { number, version in
                    IndexEntry(
                        name: name,
                        version: number,
                        state: version.state,
                        reason: version.reason
                    )
                }
            }
        }
        return entries.sorted { ($0.name, $0.version ?? 0) < ($1.name, $1.version ?? 0) }
    }

    /// Names that were loaded, or tried, and not unloaded since.
    func loadedNames() -> [String] {
        state.withLock { state in
            state.models.filter { !$0.value.ready.isEmpty }.map(\.key)
        }.sorted()
    }

    /// Whether every model that was asked for answers.
    var allAnswer: Bool {
        state.withLock { state in state.models.values.allSatisfy(\.isAsWanted) }
    }

    /// Models that were asked for and do not answer, with their reasons, by name.
    var failures: [(name: String, reason: String)] {
        let failed = state.withLock { state in
            state.models.compactMap { name, model in
                model.isAsWanted ? nil : (name: name, reason: model.word(for: name))
            }
        }
        return failed.sorted { $0.name < $1.name }
    }

    /// Whether any version still has a seat.
    var holdsSeats: Bool {
        state.withLock { state in state.seats.contains { $0 != nil } }
    }

    /// Finds the seat of a model by its number.
    func seat(_ id: ModelID) -> ModelSeat? {
        state.withLock { $0.seats[id.position] }
    }

    // MARK: Loading

    /// A load begins; a version that answers goes on answering meanwhile.
    func loadBegins(_ name: String) {
        state.withLock { state in
            state.models[name, default: Model()].state = .loading
            state.models[name]?.reason = ""
        }
    }

    /// A load failed; versions that answered before go on.
    func loadFailed(_ name: String, _ reason: String) {
        state.withLock { state in
            guard var model = state.models[name] else { return }
            model.state = model.ready.isEmpty ? .unavailable : .ready
            model.reason = reason
            for (number, version) in model.versions where version.state == .loading {
                model.versions[number] = Version(state: .unavailable, reason: reason)
            }
            state.models[name] = model
        }
    }

    /// Forgets a name under which nothing was ever loaded, so that clients who ask for models
    /// that there are not leave nothing behind.
    func forget(_ name: String) {
        state.withLock { state in
            if state.models[name]?.versions.isEmpty == true { state.models[name] = nil }
        }
    }

    /// Takes a number for a version; nil when all are taken.
    func reserve() -> ModelID? {
        state.withLock { state in state.free.isEmpty ? nil : state.free.removeFirst() }
    }

    /// Puts a version on its seat.
    func take(_ seat: ModelSeat) {
        state.withLock { state in
            state.seats[seat.id.position] = seat
            let spec = seat.servable.spec
            if state.models[spec.name]?.versions[spec.version]?.state != .ready {
                state.models[spec.name]?.versions[spec.version] = Version(state: .loading)
            }
        }
    }

    /// From now on these versions answer for the name, and no others; hands out those before.
    func publish(_ name: String, _ servables: [Servable]) -> [Servable] {
        state.withLock { state in
            guard var model = state.models[name] else { return [] }
            let old = model.ready
            model.ready = servables.sorted { $0.spec.version < $1.spec.version }
            model.state = .ready
            for servable in old {
                model.versions[servable.spec.version] = Version(
                    state: .unavailable,
                    reason: Self.unloaded
                )
            }
            for servable in servables {
                model.versions[servable.spec.version] = Version(state: .ready)
            }
            state.models[name] = model
            return old
        }
    }

    /// The versions that answer for the name go on with other settings.
    func replace(_ name: String, _ servables: [Servable]) {
        state.withLock { state in
            state.models[name]?.ready = servables
            state.models[name]?.state = .ready
        }
    }

    /// From now on nothing answers for the name; hands out the versions that did.
    func withdraw(_ name: String) -> [Servable] {
        state.withLock { state in
            guard var model = state.models[name] else { return [] }
            let old = model.ready
            model.ready = []
            model.state = old.isEmpty ? .unavailable : .unloading
            model.reason = old.isEmpty ? Self.unloaded : ""
            for servable in old {
                model.versions[servable.spec.version] = Version(state: .unloading)
            }
            state.models[name] = model
            return old
        }
    }

    /// Frees the number of a version whose last instance has ended.
    func free(_ seat: ModelSeat) {
        state.withLock { state in
            guard state.seats[seat.id.position] === seat else { return }
            state.seats[seat.id.position] = nil
            state.free.append(seat.id)
            let spec = seat.servable.spec
            guard var model = state.models[spec.name] else { return }
            if model.versions[spec.version]?.state == .unloading {
                model.versions[spec.version] = Version(
                    state: .unavailable,
                    reason: Self.unloaded
                )
            }
            if model.state == .unloading, model.ready.isEmpty {
                model.state = .unavailable
                model.reason = Self.unloaded
            }
            state.models[spec.name] = model
        }
    }
}
