/// A configuration message with whatever was set in it, by the table of its type.
struct ConfigMessage: Hashable, Sendable {
    /// The value of a field that was set, and where in the text, if it came from one.
    struct Slot: Hashable, Sendable {
        var value: ConfigValue
        var position: TextPosition?
    }

    let type: MessageType
    /// By the order of `type.fields`; nil = not set.
    private(set) var slots: [Slot?]
    /// Fields that nobody knows; echoed, otherwise ignored.
    var unknown: [TextField] = []

    init(_ type: MessageType) {
        self.type = type
        slots = Array(repeating: nil, count: type.fields.count)
    }

    /// The place of a field in `slots`. Asking for a name that the table lacks is a mistake in
    /// this room.
    private func place(_ name: String) -> Int {
        guard let place = type.fields.firstIndex(where: { $0.name == name }) else {
            preconditionFailure("\(type) has no field \(name)")
        }
        return place
    }

    /// The value of a field; nil = not set. Setting one of a choice clears the others.
    subscript(name: String) -> ConfigValue? {
        get { slots[place(name)]?.value }
        set { set(place(name), newValue.map { Slot(value: $0, position: nil) }) }
    }

    /// Sets the field at a place of the table.
    mutating func set(_ place: Int, _ slot: Slot?) {
        slots[place] = slot
        guard slot != nil, let choice = type.fields[place].choice else { return }
        for (other, field) in type.fields.enumerated()
        where other != place && field.choice == choice {
            slots[other] = nil
        }
    }

    /// Where a field was set; nil = not set, or not by a text.
    func position(_ name: String) -> TextPosition? { slots[place(name)]?.position }

    func has(_ name: String) -> Bool { slots[place(name)] != nil }

    func bool(_ name: String) -> Bool {
        if case .bool(let value) = self[name] { value } else { false }
    }

    /// A whole number; 0 = not set. Those beyond 63 bits count as the largest.
    func int(_ name: String) -> Int64 { self[name]?.wholeNumber ?? 0 }

    func string(_ name: String) -> String {
        if case .string(let value) = self[name] { value } else { "" }
    }

    /// The number of an enumeration's word.
    func word(_ name: String) -> Int {
        if case .word(let value) = self[name] { value } else { 0 }
    }

    func message(_ name: String) -> ConfigMessage? {
        if case .message(let value) = self[name] { value } else { nil }
    }

    func messages(_ name: String) -> [ConfigMessage] {
        guard case .list(let values) = self[name] else { return [] }
        return values.compactMap(\.asMessage)
    }

    func ints(_ name: String) -> [Int64] {
        guard case .list(let values) = self[name] else { return [] }
        return values.compactMap(\.wholeNumber)
    }

    /// The entries of a map in the order in which they were written.
    func entries(_ name: String) -> [ConfigEntry] {
        if case .map(let entries) = self[name] { entries } else { [] }
    }
}

/// One value of a field.
indirect enum ConfigValue: Hashable, Sendable {
    case bool(Bool)
    case int(Int64)
    case uint(UInt64)
    case double(Double)
    case string(String)
    case word(Int)
    case message(ConfigMessage)
    case list([ConfigValue])
    case map([ConfigEntry])

    /// The value as a whole number; nil = it is none.
    var wholeNumber: Int64? {
        switch self {
        case .int(let value): value
        case .uint(let value): Int64(clamping: value)
        default: nil
        }
    }

    /// The value as a message; nil = it is none.
    var asMessage: ConfigMessage? {
        if case .message(let value) = self { value } else { nil }
    }

    /// Whether the value is what an unset field means.
    var isDefault: Bool {
        switch self {
        case .bool(let value): !value
        case .int(let value): value == 0
        case .uint(let value): value == 0
        case .double(let value): value == 0
        case .string(let value): value.isEmpty
        case .word(let value): value == 0
        case .message: false
        case .list(let values): values.isEmpty
        case .map(let entries): entries.isEmpty
        }
    }
}

/// One entry of a map; the key of a numbered map is written in digits.
struct ConfigEntry: Hashable, Sendable {
    var key: String
    var value: ConfigValue
}
