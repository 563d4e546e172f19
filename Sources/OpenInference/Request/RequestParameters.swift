import ServingDomain

/// The parameters of one tensor, as both wires name them.
struct TensorParameters {
    var binaryByteCount: UInt64?
    var binary: Bool?
    var classes: Int32 = 0
    var region: String?
    var offset: UInt64 = 0
    var byteSize: UInt64?

    /// The part of shared memory they name, if any.
    func sharedRange(of tensor: String) throws(WireError) -> SharedRange? {
        guard let region else {
            guard byteSize == nil else {
                throw WireError(
                    .invalidArgument,
                    "tensor '\(tensor)' has a shared_memory_byte_size but no shared_memory_region"
                )
            }
            return nil
        }
        guard let byteSize else {
            throw WireError(
                .invalidArgument,
                "tensor '\(tensor)' names region '\(region)' without shared_memory_byte_size"
            )
        }
        return SharedRange(region: region, offset: offset, byteSize: byteSize)
    }

    /// Takes a parameter; unknown names are ignored.
    mutating func take(_ name: String, _ value: ParameterValue) throws(WireError) {
        switch name {
        case "binary_data_size": binaryByteCount = try value.count(name)
        case "binary_data": binary = try value.flag(name)
        case "classification":
            let count = try value.count(name)
            guard count > 0, count <= UInt64(Int32.max) else {
                throw WireError(
                    .invalidArgument,
                    "parameter 'classification' is \(count); it must be at least 1"
                )
            }
            classes = Int32(count)
        case "shared_memory_region": region = try value.text(name)
        case "shared_memory_offset": offset = try value.count(name)
        case "shared_memory_byte_size": byteSize = try value.count(name)
        default: break
        }
    }
}

extension RequestOptions {
    /// Takes a parameter of the whole request.
    ///
    /// - Parameter overGRPC: gRPC knows one name that begins with `triton_`, HTTP none.
    mutating func take(
        _ name: String,
        _ value: ParameterValue,
        overGRPC: Bool
    ) throws(WireError) {
        switch name {
        case "priority": priority = try value.count(name)
        case "timeout":
            let microseconds = try value.count(name)
            timeout = microseconds == 0 ? nil : .microseconds(Int64(clamping: microseconds))
        case "binary_data_output": wantsBinary = try value.flag(name)
        case "sluice_predict": wantsPrediction = try value.flag(name)
        case "sequence_start", "sequence_end": _ = try value.flag(name)
        case "sequence_id":
            switch value {
            case .text, .int64, .uint64: break
            default: throw ParameterValue.mismatch(name, "a whole number or text")
            }
        case "triton_enable_empty_final_response" where overGRPC:
            wantsFinalResponse = try value.flag(name)
        default:
            guard !name.hasPrefix("triton_") else {
                throw WireError(
                    .invalidArgument,
                    "parameter '\(name)' is reserved: no name of a client's may begin with triton_"
                )
            }
            custom.append(RequestParameter(name, value))
        }
    }
}

extension ParameterValue {
    static func mismatch(_ name: String, _ expectation: String) -> WireError {
        WireError(.malformed, "parameter '\(name)' must be \(expectation)")
    }

    func flag(_ name: String) throws(WireError) -> Bool {
        guard case .flag(let value) = self else { throw Self.mismatch(name, "true or false") }
        return value
    }

    func text(_ name: String) throws(WireError) -> String {
        guard case .text(let value) = self else { throw Self.mismatch(name, "text") }
        return value
    }

    func count(_ name: String) throws(WireError) -> UInt64 {
        switch self {
        case .uint64(let value): return value
        case .int64(let value) where value >= 0: return UInt64(value)
        default: throw Self.mismatch(name, "a whole number from 0")
        }
    }
}
