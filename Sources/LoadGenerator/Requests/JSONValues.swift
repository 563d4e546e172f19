import Foundation
import ServingDomain

/// Tensors as JSON text.
enum JSONValues {
    /// The elements, apart by commas.
    static func text(of tensor: InputTensor) throws(LoadError) -> String {
        let bytes = tensor.bytes
        func numbers<Value: FixedWidthInteger, Text>(
            _: Value.Type,
            _ text: (Value) -> Text
        ) -> String where Text: CustomStringConvertible {
            let size = Value.bitWidth / 8
            return bytes.withUnsafeBytes { raw in
                (0..<tensor.elements).map { place in
                    let value = raw.loadUnaligned(fromByteOffset: place * size, as: Value.self)
                    return text(Value(littleEndian: value)).description
                }
                .joined(separator: ",")
            }
        }
        switch tensor.type {
        case .bool: return bytes.map { $0 == 0 ? "false" : "true" }.joined(separator: ",")
        case .uint8: return numbers(UInt8.self) { $0 }
        case .uint16: return numbers(UInt16.self) { $0 }
        case .uint32: return numbers(UInt32.self) { $0 }
        case .uint64: return numbers(UInt64.self) { $0 }
        case .int8: return numbers(Int8.self) { $0 }
        case .int16: return numbers(Int16.self) { $0 }
        case .int32: return numbers(Int32.self) { $0 }
        case .int64: return numbers(Int64.self) { $0 }
        case .fp32: return numbers(UInt32.self) { Float(bitPattern: $0) }
        case .fp64: return numbers(UInt64.self) { Double(bitPattern: $0) }
        case .bytes: return words(bytes).map(quoted).joined(separator: ",")
        case .fp16, .bf16:
            throw LoadError(
                "input '\(tensor.name)' is \(tensor.type.name), which JSON can't carry;"
                    + " send it as binary"
            )
        }
    }

    /// A JSON string.
    static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case _ where scalar.value < 32:
                let hex = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    private static func words(_ bytes: [UInt8]) -> [String] {
        var words: [String] = []
        var rest = bytes[...]
        while rest.count >= 4 {
            let length = rest.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
            words.append(String(decoding: rest.dropFirst(4).prefix(length), as: UTF8.self))
            rest = rest.dropFirst(4 + length)
        }
        return words
    }
}
