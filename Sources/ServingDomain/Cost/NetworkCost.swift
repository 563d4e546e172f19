/// What a network costs, operation by operation: enough to guess its latency on a device that
/// never ran it.
public struct NetworkCost: Hashable, Sendable {
    /// The network's name.
    public var name: String
    /// Bytes of one item's inputs, as clients send them.
    public var inputBytes: Int64
    /// Bytes of one item's outputs.
    public var outputBytes: Int64
    /// Bytes of all weights, tables included, in FP32.
    public var storedBytes: Int64
    /// The operations; equal ones stand together, in no order of execution.
    public var kernels: [KernelCost]

    /// Creates the costs of a network.
    public init(
        name: String,
        inputBytes: Int64,
        outputBytes: Int64,
        storedBytes: Int64,
        kernels: [KernelCost]
    ) {
        self.name = name
        self.inputBytes = inputBytes
        self.outputBytes = outputBytes
        self.storedBytes = storedBytes
        self.kernels = kernels
    }

    /// Floating-point operations of one item.
    public var flops: Int64 { kernels.reduce(0) { $0 + Int64($1.count) * $1.flops } }

    /// How many operations a run has.
    public var operations: Int32 { kernels.reduce(0) { $0 + $1.count } }

    /// Equal operations put together, in the order in which each kind of them first came.
    /// Cost: O(n log n).
    public func gathered() -> NetworkCost {
        let marked = kernels.enumerated().sorted {
            ($0.element.key, $0.offset) < ($1.element.key, $1.offset)
        }
        var groups: [(first: Int, kernel: KernelCost)] = []
        for (offset, kernel) in marked {
            if let last = groups.last, last.kernel.key == kernel.key {
                groups[groups.count - 1].kernel.count += kernel.count
            } else {
                groups.append((offset, kernel))
            }
        }
        var gathered = self
        gathered.kernels = groups.sorted { $0.first < $1.first }.map(\.kernel)
        return gathered
    }
}

extension KernelCost {
    /// What makes two operations equal, in an order that sorts.
    fileprivate var key: Key { Key(kernel: self) }

    fileprivate struct Key: Comparable {
        var kernel: KernelCost

        private var numbers: [Int64] {
            [kernel.flops, kernel.weightBytes, kernel.readBytes, kernel.writeBytes]
                + [kernel.isShifted ? 1 : 0]
        }

        static func < (left: Key, right: Key) -> Bool {
            let (one, other) = (left.kernel.kind.rawValue, right.kernel.kind.rawValue)
            if one != other { return one < other }
            return left.numbers.lexicographicallyPrecedes(right.numbers)
        }

        static func == (left: Key, right: Key) -> Bool {
            left.kernel.kind == right.kernel.kind && left.numbers == right.numbers
        }
    }
}
