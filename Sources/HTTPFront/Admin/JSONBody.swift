import OpenInference

/// The small JSON objects that endpoints other than inference take.
enum JSONBody {
    /// The most keys of one object.
    static let keyLimit = 1_024

    /// A value, arrays of text and objects of values included.
    enum Value {
        case null
        case flag(Bool)
        case number(Double)
        case text(String)
        case texts([String])
        case object(Fields)
    }

    /// A key and its value.
    struct Entry {
        var name: String
        var value: Value
    }

    /// An object's keys and values, in order.
    struct Fields {
        var entries: [Entry] = []

        subscript(_ name: String) -> Value? {
            entries.first { $0.name == name }?.value
        }
    }

    /// Reads a body that is an object, or nothing.
    static func object(_ body: [UInt8]) throws(WireError) -> Fields {
        guard !body.isEmpty else { return Fields() }
        let result: Result<Fields, WireError> = body.withUnsafeBytes { bytes in
            do throws(WireError) {
                var reader = JSONReader(bytes)
                let fields = try fields(&reader)
                try reader.end()
                return .success(fields)
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private static func fields(_ reader: inout JSONReader) throws(WireError) -> Fields {
        var fields = Fields()
        try reader.beginObject()
        while let key = try reader.nextKey() {
            let name = reader.string(of: key)
            guard fields[name] == nil else {
                throw WireError(.malformed, "key '\(name)' comes twice in one object")
            }
            guard fields.entries.count < keyLimit else {
                throw WireError(.invalidArgument, "more than \(keyLimit) keys in one object")
            }
            fields.entries.append(Entry(name: name, value: try value(&reader)))
        }
        return fields
    }

    private static func value(_ reader: inout JSONReader) throws(WireError) -> Value {
        switch try reader.peek() {
        case .null:
            try reader.null()
            return .null
        case .flag: return .flag(try reader.flag())
        case .number: return .number(try reader.double())
        case .text: return .text(try reader.string())
        case .object: return .object(try fields(&reader))
        case .array:
            var texts: [String] = []
            try reader.beginArray()
            while try reader.nextElement() { texts.append(try reader.string()) }
            return .texts(texts)
        }
    }
}
