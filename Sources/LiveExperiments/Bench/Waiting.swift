import Foundation

/// Waiting for a condition, never for a time alone.
enum Waiting {
    /// Looks every `step` seconds until `look` finds something; nil when `seconds` are over.
    ///
    /// - Throws: what `look` throws, and `CancellationError`.
    static func first<Value>(
        within seconds: Double,
        every step: Double = 0.02,
        _ look: () async throws -> Value?
    ) async throws -> Value? {
        let end = ContinuousClock.now + .seconds(seconds)
        while true {
            if let found = try await look() { return found }
            guard ContinuousClock.now < end else { return nil }
            try await Task.sleep(for: .seconds(step))
        }
    }
}
