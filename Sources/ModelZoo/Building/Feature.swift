/// A value that flows through a network under construction.
struct Feature: Hashable, Sendable {
    /// The value's name in the model file: that of the operation which gives it.
    let name: String
    /// The shape of one item, without the batch dimension: channels, height, width for images.
    let dims: [Int]

    /// The first dimension.
    var channels: Int { dims[0] }

    /// How many elements one item has.
    var elements: Int { dims.reduce(1, *) }
}
