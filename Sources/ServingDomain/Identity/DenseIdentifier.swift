/// A small whole number that names one thing and indexes the array that holds it.
public protocol DenseIdentifier: Hashable, Comparable, Sendable {
    /// The position in the array of its kind, from zero.
    var index: Int32 { get }

    /// Creates the identifier of position `index`.
    init(_ index: Int32)
}

extension DenseIdentifier {
    /// The position as a subscript.
    @inlinable public var position: Int { Int(index) }

    @inlinable public static func < (left: Self, right: Self) -> Bool { left.index < right.index }
}

/// One version of one model, from its load to its unload.
public struct ModelID: DenseIdentifier {
    public let index: Int32
    @inlinable public init(_ index: Int32) { self.index = index }
}

/// A GPU or CPU socket.
public struct DeviceID: DenseIdentifier {
    public let index: Int32
    @inlinable public init(_ index: Int32) { self.index = index }
}

/// A part of a device.
public struct GpuletID: DenseIdentifier {
    public let index: Int32
    @inlinable public init(_ index: Int32) { self.index = index }
}

/// One model's seat on one gpulet.
public struct LaneID: DenseIdentifier {
    public let index: Int32
    @inlinable public init(_ index: Int32) { self.index = index }
}

/// One engine instance of a lane, which runs one batch at a time.
public struct InstanceID: DenseIdentifier {
    public let index: Int32
    @inlinable public init(_ index: Int32) { self.index = index }
}

/// Requests of one model whose tensors may share a batch: equal keys mean equal shapes.
///
/// The driver hands keys out; 0 is the key of a model whose shapes are fixed.
public struct ShapeKey: DenseIdentifier {
    public let index: Int32
    @inlinable public init(_ index: Int32) { self.index = index }
}
