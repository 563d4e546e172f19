/// Finds the initialisers in the bytes of an ONNX file, without copying them.
///
/// Reads just enough of the protobuf format: model (field 7: graph), graph (field 5:
/// initialisers), tensor. Costs time by the number of fields, not of bytes.
struct InitializerReader {
    /// One initialiser.
    struct Initializer {
        /// Its name in the graph.
        var name = ""
        /// The format's number of its element type.
        var type: Int32 = 0
        /// Its shape.
        var dims: [Int64] = []
        /// Where its raw bytes lie in the file; empty where it has none.
        var raw = 0..<0
        /// Bytes in other forms than raw ones.
        var typedBytes = 0
        /// Bytes in a file beside the model; 0 where the entry gives no length.
        var externalBytes: Int64 = 0
        /// Whether its bytes lie in a file beside the model.
        var isExternal = false
    }

    private let bytes: UnsafeRawBufferPointer

    /// The most dimensions that are read; no real model comes near.
    private static let rankLimit = 64

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    /// All initialisers of the main graph; nil where the bytes are no whole protobuf message.
    func initializers() -> [Initializer]? {
        var found: [Initializer] = []
        let whole = fields(0..<bytes.count) { field in
            guard field.number == 7, let graph = field.range else { return true }
            return fields(graph) { field in
                guard field.number == 5, let tensor = field.range else { return true }
                guard let initializer = initializer(tensor) else { return false }
                found.append(initializer)
                return true
            }
        }
        return whole ? found : nil
    }

    private func initializer(_ range: Range<Int>) -> Initializer? {
        var result = Initializer()
        let whole = fields(range) { field in
            switch (field.number, field.range) {
            case (1, nil):
                result.dims.append(Int64(bitPattern: field.value))
            case (1, let packed?):
                var place = packed.lowerBound
                while place < packed.upperBound {
                    guard let dim = varint(&place, packed.upperBound) else { return false }
                    result.dims.append(Int64(bitPattern: dim))
                    if result.dims.count > Self.rankLimit { return false }
                }
            case (2, nil): result.type = Int32(truncatingIfNeeded: field.value)
            case (4...7, let values?), (10...11, let values?): result.typedBytes += values.count
            case (8, let name?): result.name = text(name)
            case (9, let raw?): result.raw = raw
            case (13, let entry?): external(entry, &result)
            case (14, nil): result.isExternal = field.value == 1
            default: break
            }
            return result.dims.count <= Self.rankLimit
        }
        return whole ? result : nil
    }

    private func external(_ range: Range<Int>, _ result: inout Initializer) {
        var key = ""
        var value = ""
        _ = fields(range) { field in
            if field.number == 1, let range = field.range { key = text(range) }
            if field.number == 2, let range = field.range { value = text(range) }
            return true
        }
        if key == "length" { result.externalBytes = max(0, Int64(value) ?? 0) }
    }

    private func text(_ range: Range<Int>) -> String {
        String(decoding: bytes[range], as: UTF8.self)
    }
}

// MARK: - Protobuf

extension InitializerReader {
    /// One field: its number with the value of a varint, or with the range of its bytes.
    private struct Field {
        var number: Int
        var value: UInt64 = 0
        var range: Range<Int>?
    }

    /// Visits the fields of a message until `visit` says no; false where it did, or where the
    /// message is not whole.
    private func fields(_ message: Range<Int>, _ visit: (Field) -> Bool) -> Bool {
        var place = message.lowerBound
        let end = message.upperBound
        while place < end {
            guard let key = varint(&place, end) else { return false }
            var field = Field(number: Int(truncatingIfNeeded: key >> 3))
            switch key & 7 {
            case 0:
                guard let value = varint(&place, end) else { return false }
                field.value = value
            case 1: place += 8
            case 2:
                guard let length = varint(&place, end), length <= UInt64(end - place) else {
                    return false
                }
                field.range = place..<place + Int(length)
                place += Int(length)
            case 5: place += 4
            default: return false
            }
            guard place <= end, visit(field) else { return false }
        }
        return true
    }

    private func varint(_ place: inout Int, _ end: Int) -> UInt64? {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while place < end, shift < 64 {
            let byte = bytes[place]
            place += 1
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        return nil
    }
}
