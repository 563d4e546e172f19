import ServingDomain

/// One input as the server's metadata declares it; -1 stands for a free dimension.
struct ModelInput: Hashable, Sendable {
    var name: String
    var type: DataType
    var shape: [Int64]
}

/// One input as it is sent.
struct InputTensor: Hashable, Sendable {
    var name: String
    var type: DataType
    var shape: [Int64]
    /// In the wire's layout.
    var bytes: [UInt8]

    /// The product of the dimensions.
    var elements: Int { Int(shape.reduce(1, *)) }
}
