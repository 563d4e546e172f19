/// One field of a configuration message: its name, its number on the wire and its type.
struct FieldSchema: Hashable, Sendable {
    /// The type of one value.
    enum Kind: Hashable, Sendable {
        case bool, int32, int64, uint32, uint64, float, double, string
        case word(ConfigWords)
        case message(MessageType)
    }

    /// How many values there may be.
    enum Arity: Hashable, Sendable {
        case one, many
        /// One per key; keys are strings or, where `numbered`, whole numbers.
        case map(numbered: Bool)
    }

    var name: String
    var number: Int
    var kind: Kind
    var arity: Arity
    /// The group of which at most one field may be set; nil = none.
    var choice: String?

    init(
        _ name: String,
        _ number: Int,
        _ kind: Kind,
        _ arity: Arity = .one,
        choice: String? = nil
    ) {
        self.name = name
        self.number = number
        self.kind = kind
        self.arity = arity
        self.choice = choice
    }

    /// Whether the field is printed even when nobody set it.
    var hasDefault: Bool {
        if choice != nil { return false }
        if case .message = kind, arity == .one { return false }
        return true
    }
}

/// The enumerations of a configuration; their numbers count from 0 in this order.
enum ConfigWords: Hashable, Sendable, CaseIterable {
    case dataType, instanceKind, secondaryKind, format, batchInputKind, batchOutputKind
    case modelPriority, timeoutAction, controlKind

    /// The words in the order of their numbers.
    var words: [String] {
        switch self {
        case .dataType:
            [
                "TYPE_INVALID", "TYPE_BOOL", "TYPE_UINT8", "TYPE_UINT16", "TYPE_UINT32",
                "TYPE_UINT64", "TYPE_INT8", "TYPE_INT16", "TYPE_INT32", "TYPE_INT64", "TYPE_FP16",
                "TYPE_FP32", "TYPE_FP64", "TYPE_STRING", "TYPE_BF16",
            ]
        case .instanceKind: ["KIND_AUTO", "KIND_GPU", "KIND_CPU", "KIND_MODEL"]
        case .secondaryKind: ["KIND_NVDLA"]
        case .format: ["FORMAT_NONE", "FORMAT_NHWC", "FORMAT_NCHW"]
        case .batchInputKind:
            [
                "BATCH_ELEMENT_COUNT", "BATCH_ACCUMULATED_ELEMENT_COUNT",
                "BATCH_ACCUMULATED_ELEMENT_COUNT_WITH_ZERO", "BATCH_MAX_ELEMENT_COUNT_AS_SHAPE",
                "BATCH_ITEM_SHAPE", "BATCH_ITEM_SHAPE_FLATTEN",
            ]
        case .batchOutputKind: ["BATCH_SCATTER_WITH_INPUT_SHAPE"]
        case .modelPriority: ["PRIORITY_DEFAULT", "PRIORITY_MAX", "PRIORITY_MIN"]
        case .timeoutAction: ["REJECT", "DELAY"]
        case .controlKind:
            [
                "CONTROL_SEQUENCE_START", "CONTROL_SEQUENCE_READY", "CONTROL_SEQUENCE_END",
                "CONTROL_SEQUENCE_CORRID",
            ]
        }
    }
}
