public import ServingDomain

/// An inference request as it came over either wire, decoded but not yet held against a model.
public struct InferRequest: Hashable, Sendable {
    /// The model's name; empty over HTTP, where the path says it.
    public var modelName = ""
    /// The model's version as text; empty = the server's choice, and over HTTP.
    public var modelVersion = ""
    /// The client's own name for the request; empty = none.
    public var id = ""
    /// What the request's parameters ask for.
    public var options = RequestOptions()
    /// The tensors it brings, in its own order.
    public var inputs: [RequestInput] = []
    /// The outputs it asks for, in its own order; empty = all.
    public var outputs: [RequestedOutput] = []

    /// An empty request.
    public init() {}
}

/// What a request's parameters ask for.
public struct RequestOptions: Hashable, Sendable {
    /// The priority level; 0 = none asked for.
    public var priority: UInt64 = 0
    /// How long the client waits; nil = no limit of its own.
    public var timeout: TimeSpan?
    /// Whether outputs that say nothing themselves are answered as binary data (HTTP).
    public var wantsBinary = false
    /// Whether the reply is to say the latency that was predicted (`sluice_predict`).
    public var wantsPrediction = false
    /// Whether a stream is to end with an empty reply (`triton_enable_empty_final_response`).
    public var wantsFinalResponse = false
    /// All other parameters, as they came.
    public var custom: [RequestParameter] = []

    /// Nothing asked for.
    public init() {}
}

/// A parameter by name.
public struct RequestParameter: Hashable, Sendable {
    /// Its name.
    public var name: String
    /// Its value.
    public var value: ParameterValue

    /// Creates a parameter.
    public init(_ name: String, _ value: ParameterValue) {
        self.name = name
        self.value = value
    }
}

/// The value of a parameter.
public enum ParameterValue: Hashable, Sendable {
    /// True or false.
    case flag(Bool)
    /// A whole number.
    case int64(Int64)
    /// A whole number from zero.
    case uint64(UInt64)
    /// Any number.
    case double(Double)
    /// Text.
    case text(String)
}

/// A tensor that a request brings.
public struct RequestInput: Hashable, Sendable {
    /// Its name.
    public var name: String
    /// The type of its elements.
    public var type: DataType
    /// Its whole shape, the batch dimension included.
    public var shape: [Int64]
    /// Where its bytes are.
    public var source: TensorSource

    /// Creates a tensor.
    public init(name: String, type: DataType, shape: [Int64], source: TensorSource) {
        self.name = name
        self.type = type
        self.shape = shape
        self.source = source
    }
}

/// Where the bytes of a tensor are. They have the wire's layout: little-endian, row-major, no
/// padding, BOOL one byte, BYTES a length of four bytes before each element.
public enum TensorSource: Hashable, Sendable {
    /// In the message: a range of its bytes, counted from its first (HTTP: of the whole body).
    case body(Range<Int>)
    /// In the message, one BYTES element that lacks its length.
    case element(Range<Int>)
    /// Converted from JSON or from typed protobuf contents.
    case converted([UInt8])
    /// In memory shared with the client.
    case shared(SharedRange)

    /// How many bytes the tensor has in the wire's layout.
    public var byteCount: Int {
        switch self {
        case .body(let range): range.count
        case .element(let range): range.count + 4
        case .converted(let bytes): bytes.count
        case .shared(let range): Int(clamping: range.byteSize)
        }
    }
}

/// A part of a shared memory region.
public struct SharedRange: Hashable, Sendable {
    /// The region's name.
    public var region: String
    /// Where the part begins, in bytes from the region's beginning.
    public var offset: UInt64
    /// How long it is, in bytes.
    public var byteSize: UInt64

    /// Creates the name of a part.
    public init(region: String, offset: UInt64, byteSize: UInt64) {
        self.region = region
        self.offset = offset
        self.byteSize = byteSize
    }
}

/// An output that a request asks for.
public struct RequestedOutput: Hashable, Sendable {
    /// Its name.
    public var name: String
    /// Whether it is answered as binary data; nil = as the whole request says (HTTP).
    public var binary: Bool?
    /// How many classes to answer in place of the values; 0 = the values.
    public var classes: Int32
    /// Where the values go instead of into the reply.
    public var shared: SharedRange?

    /// Creates the wish for an output.
    public init(
        name: String,
        binary: Bool? = nil,
        classes: Int32 = 0,
        shared: SharedRange? = nil
    ) {
        self.name = name
        self.binary = binary
        self.classes = classes
        self.shared = shared
    }
}

/// The most that one request may hold; what is beyond is refused.
public struct DecodingLimits: Hashable, Sendable {
    /// Inputs, and requested outputs.
    public var tensors = 1_024
    /// Dimensions of a shape.
    public var dimensions = 64
    /// Parameters of the request, or of one tensor.
    public var parameters = 128
    /// Bytes of all tensors converted from JSON or typed contents.
    public var convertedBytes = 64 << 20

    /// The limits of a server as it is installed.
    public init() {}
}
