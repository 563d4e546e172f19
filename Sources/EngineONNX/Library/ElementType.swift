import CONNXRuntime
import ServingDomain

extension DataType {
    /// The library's number for this element type.
    var elementType: Int32 {
        switch self {
        case .bool: connx_type_bool
        case .uint8: connx_type_uint8
        case .uint16: connx_type_uint16
        case .uint32: connx_type_uint32
        case .uint64: connx_type_uint64
        case .int8: connx_type_int8
        case .int16: connx_type_int16
        case .int32: connx_type_int32
        case .int64: connx_type_int64
        case .fp16: connx_type_fp16
        case .fp32: connx_type_fp32
        case .fp64: connx_type_fp64
        case .bytes: connx_type_string
        case .bf16: connx_type_bf16
        }
    }

    /// The type with the library's number; nil for those that the protocol can't carry.
    init?(elementType: Int32) {
        guard let type = Self.allCases.first(where: { $0.elementType == elementType }) else {
            return nil
        }
        self = type
    }
}
