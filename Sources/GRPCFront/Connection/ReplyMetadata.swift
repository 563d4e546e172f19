import ServingDomain

/// What the trailers of a reply say beside its status.
struct ReplyMetadata: Hashable, Sendable {
    /// Whether only the model's objective was missed.
    var isLate = false
    /// Whether the answer came from an emulated device.
    var isEmulated = false
    /// The latency that was forecast, where the client asked.
    var predicted: TimeSpan?

    /// Nothing to say.
    static let none = ReplyMetadata()

    /// Whether there is nothing to say.
    var isEmpty: Bool { !isLate && !isEmulated && predicted == nil }
}

extension TimeSpan {
    /// Milliseconds with three decimals, such as `12.345`.
    var millisecondText: String {
        let microseconds = max(0, nanoseconds / 1_000)
        let decimals = String(microseconds % 1_000)
        let zeros = String(repeating: "0", count: 3 - decimals.utf8.count)
        return "\(microseconds / 1_000).\(zeros)\(decimals)"
    }
}
