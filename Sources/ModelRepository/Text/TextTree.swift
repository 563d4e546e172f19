/// The fields of a `{ }` in the order in which they were written, nothing looked up yet.
struct TextMessage: Hashable, Sendable {
    var fields: [TextField] = []
}

/// One field as it was written.
struct TextField: Hashable, Sendable {
    var name: String
    var position: TextPosition
    /// One value, or those of a `[ ]`.
    var values: [TextValue]
    /// Whether the values stood in `[ ]`.
    var isList: Bool
}

/// One value with its place.
struct TextValue: Hashable, Sendable {
    /// What was written.
    indirect enum Content: Hashable, Sendable {
        /// A quoted string, its escapes undone and its parts joined.
        case string(String)
        /// A number as written, with its sign.
        case number(String)
        /// A bare word such as `true`, `-inf` or `TYPE_FP32`.
        case word(String)
        /// A nested message.
        case message(TextMessage)
    }

    var content: Content
    var position: TextPosition
}

/// The two ways to write a configuration.
enum TextDialect: Sendable {
    /// Protobuf's text format, as in config.pbtxt.
    case protobufText
    /// JSON, as in a load request.
    case json
}

/// What a configuration text may contain at most.
struct TextLimits: Sendable {
    /// Bytes of the whole text.
    var bytes = 1 << 20
    /// Messages inside messages.
    var depth = 32
    /// Values over all lists and messages.
    var values = 100_000
}
