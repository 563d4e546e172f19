/// How a request ended. Each ends exactly once, in exactly one of these ways.
public enum Outcome: UInt8, Hashable, Sendable, CaseIterable {
    /// Finished in time.
    case served
    /// Finished, or was cut off by its client's own timeout, after its deadline.
    case late
    /// Could not make its deadline, or expired while it waited.
    case dropped
    /// Not admitted: queue full, not ready, no room.
    case refused
    /// The engine failed.
    case failed
    /// The client went away.
    case cancelled

    /// Whether the outcome counts as a violation (of a request that has a deadline).
    public var isViolation: Bool {
        switch self {
        case .late, .dropped, .refused, .failed: true
        case .served, .cancelled: false
        }
    }
}

/// Why a request was not admitted.
public enum Refusal: UInt8, Hashable, Sendable, CaseIterable {
    /// The model's queue holds as many requests as it may.
    case queueFull
    /// By the forecast, the deadline can't be met even if it ran at once.
    case hopeless
    /// The model has no ready instance yet.
    case notReady
    /// The model is being unloaded.
    case unloading
    /// The server is draining.
    case draining
    /// The core's own tables are full.
    case noRoom
}

/// Why a waiting request was dropped.
public enum DropReason: UInt8, Hashable, Sendable, CaseIterable {
    /// Its deadline passed while it waited.
    case expired
    /// By the forecast, it can't make its deadline any more.
    case hopeless
    /// Its time in the queue was up (queue policy).
    case queueTimeout
}
