import ServingDomain

/// Every way to split the devices, one layout per device, up to permutation of identical devices.
///
/// The first device changes fastest. Identical devices are those that differ in identifier and
/// name only: swapping their layouts gives nothing new, so of all orders only the one is kept in
/// which they do not ascend: 35 instead of 256 for 4 devices of 4 layouts (issue 3).
struct LayoutSearch: Sequence, IteratorProtocol {
    /// More layouts than this are never tried: an exhaustive search is for a few devices.
    static let limit = 20_000

    /// For each device its layouts, each a list of sizes.
    private let layouts: [[[Int32]]]
    /// For each device the next identical one; nil = none, or all orders are wanted.
    private let twins: [Int?]
    private var choice: [Int]?

    init(devices: [DeviceSpec], layouts: [[[Int32]]], permutes: Bool) {
        precondition(devices.count == layouts.count)
        self.layouts = layouts
        twins = devices.indices.map { place in
            permutes
                ? nil
                : devices.indices.first {
                    $0 > place && Self.areIdentical(devices[place], devices[$0])
                        && layouts[place] == layouts[$0]
                }
        }
        choice = layouts.contains { $0.isEmpty } ? nil : devices.map { _ in 0 }
    }

    private static func areIdentical(_ left: DeviceSpec, _ right: DeviceSpec) -> Bool {
        var renamed = right
        renamed.id = left.id
        renamed.name = left.name
        return renamed == left
    }

    mutating func next() -> [[Int32]]? {
        guard let current = choice else { return nil }
        advance()
        return current.enumerated().map { layouts[$0.offset][$0.element] }
    }

    /// Raises the first device that can be, and starts those before it as low as order allows.
    private mutating func advance() {
        guard var next = choice else { return }
        guard
            let raised = next.indices.first(where: { next[$0] + 1 < layouts[$0].count })
        else {
            choice = nil
            return
        }
        next[raised] += 1
        for place in stride(from: raised - 1, through: 0, by: -1) {
            next[place] = twins[place].map { next[$0] } ?? 0
        }
        choice = next
    }
}
