/// A tensor that the model file carries: weights, or a number that an operation needs.
struct Constant: Hashable, Sendable {
    /// What fills the tensor.
    enum Content: Hashable, Sendable {
        /// Seeded random FP32 values around a mean (`WeightStream` says how they are spread).
        case noise(mean: Float, deviation: Float)
        /// The same FP32 value everywhere.
        case filled(Float)
        /// Given INT64 values: shapes and indices.
        case integers([Int64])
    }

    /// The tensor's name in the model file, unique in a network. Its values are drawn by it.
    let name: String
    /// The shape; empty for a single number.
    let dims: [Int]
    /// What stands in it.
    let content: Content

    /// How many values there are.
    var count: Int { dims.reduce(1, *) }

    /// The size of the values in the file.
    var byteCount: Int {
        switch content {
        case .noise, .filled: count * MemoryLayout<Float>.size
        case .integers: count * MemoryLayout<Int64>.size
        }
    }
}
