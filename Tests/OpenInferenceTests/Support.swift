import OpenInference
import ServingDomain

/// SplitMix64: small, seeded, the same in every process.
struct Dice: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// Lends out bytes to work that fails with a `WireError`.
func lend<Result>(
    _ bytes: [UInt8],
    _ work: (UnsafeRawBufferPointer) throws(WireError) -> Result
) throws(WireError) -> Result {
    let result: Swift.Result<Result, WireError> = bytes.withUnsafeBytes { raw in
        do throws(WireError) {
            return .success(try work(raw))
        } catch {
            return .failure(error)
        }
    }
    return try result.get()
}

/// Decodes a whole body as JSON; `header` = how many of its bytes are the JSON.
func decode(
    _ body: [UInt8],
    header: Int? = nil,
    limits: DecodingLimits = DecodingLimits()
) throws(WireError) -> InferRequest {
    try lend(body) { (bytes) throws(WireError) in
        try JSONInferDecoder.decode(
            UnsafeRawBufferPointer(rebasing: bytes[..<min(header ?? bytes.count, bytes.count)]),
            bodyLength: bytes.count,
            limits: limits
        )
    }
}

/// Decodes a JSON body.
func decode(_ json: String) throws(WireError) -> InferRequest {
    try decode(Array(json.utf8))
}

/// Decodes a protobuf message.
func decodeProtobuf(_ message: [UInt8]) throws(WireError) -> InferRequest {
    try lend(message) { (bytes) throws(WireError) in
        try ProtobufInferDecoder.decode(bytes)
    }
}

/// Holds a request against a model.
func bind(
    _ request: InferRequest,
    _ signature: ModelSignature,
    maxBatch: Int32 = 8,
    body: [UInt8] = []
) throws(WireError) -> BoundRequest {
    try lend(body) { (bytes) throws(WireError) in
        try request.bind(to: signature, maxBatch: maxBatch, message: WholeMessage(bytes))
    }
}

/// The error that `work` ends with, if any.
func failure(_ work: () throws(WireError) -> Void) -> WireError? {
    do throws(WireError) {
        try work()
        return nil
    } catch {
        return error
    }
}

/// A JSON body with one input `x`.
func oneInput(_ type: String, _ shape: String, _ data: String) -> String {
    #"{"inputs":[{"name":"x","shape":\#(shape),"datatype":"\#(type)","data":\#(data)}]}"#
}

/// Little-endian bytes of numbers.
func bytes<T: FixedWidthInteger>(_ values: [T]) -> [UInt8] {
    values.flatMap { value in withUnsafeBytes(of: value.littleEndian) { Array($0) } }
}

/// The wire's layout of BYTES elements.
func elements(_ texts: [String]) -> [UInt8] {
    texts.flatMap { bytes([UInt32($0.utf8.count)]) + Array($0.utf8) }
}

/// A model of one FP32 input `x` and one FP32 output `y`.
func model(
    _ dims: [Int64] = [4],
    type: DataType = .fp32,
    batched: Bool = true
) -> ModelSignature {
    ModelSignature(
        inputs: [TensorSpec(name: "x", type: type, dims: dims)],
        outputs: [TensorSpec(name: "y", type: .fp32, dims: [2])],
        batched: batched
    )
}
