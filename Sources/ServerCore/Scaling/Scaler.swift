package import ServingDomain

/// Moves a lane's batch limit and instances within what the plan allows, window by window.
package protocol Scaler: Sendable {
    /// When its next window ends; nil = never.
    var due: Instant? { get }

    /// One change, now that the window has ended; nil when there is none (left). Asked until nil,
    /// which begins the next window.
    mutating func step(
        at now: Instant,
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast
    ) -> ScalingChange?
}

/// One change of a lane.
package enum ScalingChange: Hashable, Sendable {
    /// Batches of at most this many items from now on.
    case batchLimit(LaneID, Int32)
    /// This many instances from now on.
    case instances(LaneID, Int32)
}

/// Leaves all as planned.
package struct NoScaler: Scaler {
    package let due: Instant? = nil

    /// Creates it.
    package init() {}

    package mutating func step(
        at now: Instant,
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast
    ) -> ScalingChange? {
        nil
    }
}

/// The scalers by name.
enum ScalerNames {
    /// All names that `make` takes.
    static let known = ["none"]

    /// The scaler called `text`.
    ///
    /// - Throws: One line naming the nearest scaler.
    static func make(_ text: String) throws(ConfigurationError) -> any Scaler {
        let asked = OptionedName(text)
        guard known.contains(asked.name), asked.options.isEmpty else {
            throw ConfigurationError(OptionedName.unknown("scaler", text, known: known))
        }
        return NoScaler()
    }
}
