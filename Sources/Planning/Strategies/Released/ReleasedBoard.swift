import ServingDomain

/// One model's seat on a gpulet, as the released code keeps it.
struct ReleasedLane {
    var model: Int
    /// The rate that was wanted when it was placed, in whole requests per second.
    var rate: Int
    var batch: Int
    var throughput: Float
}

/// A gpulet, placed or only estimated.
struct ReleasedNode {
    /// The number of its device; of an estimate its number in the list, which the code then
    /// mistakes for one.
    var device: Int
    var kind: Int
    var units: Int32
    /// Tells the halves of an evenly split device apart.
    var twin = 0
    var lanes: [ReleasedLane] = []
    /// In milliseconds.
    var duty: Float = 0
    var occupancy: Float = 0

    func isSame(_ other: ReleasedNode) -> Bool {
        device == other.device && units == other.units && twin == other.twin
    }
}

/// A device with its gpulets and what the memory guard believes of it.
struct ReleasedDevice {
    var kind: Int
    var units: Int32
    var memoryMiB: Int64
    /// Whether it may be cut in two.
    var maySplit: Bool
    var usedMiB: Int64 = 0
    /// Sizes for which a process was counted once, by units and twin.
    var loaded: [(units: Int32, twin: Int)] = []
    var nodes: [ReleasedNode]

    func isLoaded(_ node: ReleasedNode) -> Bool {
        loaded.contains { $0.units == node.units && $0.twin == node.twin }
    }

    func holds(_ model: Int, in node: ReleasedNode) -> Bool {
        isLoaded(node)
            && nodes.contains { other in
                other.units == node.units && other.twin == node.twin
                    && other.lanes.contains { $0.model == model }
            }
    }
}

/// Where a gpulet stands.
struct ReleasedSpot: Equatable {
    var device: Int
    var node: Int
}

/// What is being placed: what is left of its rate, and what neighbours lost meanwhile.
struct ReleasedWish {
    var model: Int
    var rate: Int
    var owed = 0
}

/// A decimal cut off like C does it, without its surprises beyond the range.
func whole(_ value: Double) -> Int {
    value.isNaN ? 0 : Int(max(-4e18, min(4e18, value)))
}

/// The same of single precision.
func whole(_ value: Float) -> Int { whole(Double(value)) }
