/// What a convolution or a pooling looks at in one step, and how far it moves.
struct Window: Sendable {
    /// Rows and columns looked at.
    let kernel: (rows: Int, columns: Int)
    /// Rows and columns moved by from one output to the next.
    let stride: Int
    /// Zeros added before the first and after the last row, and likewise for columns.
    let padding: (rows: Int, columns: Int)
    /// Whether a last, incomplete step counts too (`ceil_mode`).
    let roundsUp: Bool

    /// Creates a window of any form.
    init(
        kernel: (rows: Int, columns: Int),
        stride: Int = 1,
        padding: (rows: Int, columns: Int) = (0, 0),
        roundsUp: Bool = false
    ) {
        precondition(kernel.rows > 0 && kernel.columns > 0 && stride > 0, "a window has a size")
        precondition(padding.rows < kernel.rows && padding.columns < kernel.columns)
        self.kernel = kernel
        self.stride = stride
        self.padding = padding
        self.roundsUp = roundsUp
    }

    /// One pixel at a time.
    static let point = Window(kernel: (1, 1))

    /// An odd kernel with such padding that stride 1 keeps the size, and stride 2 halves it,
    /// rounded up.
    static func same(_ size: Int, stride: Int = 1) -> Window {
        same(size, size, stride: stride)
    }

    /// An odd kernel of different height and width with size-keeping padding.
    static func same(_ rows: Int, _ columns: Int, stride: Int = 1) -> Window {
        precondition(rows % 2 == 1 && columns % 2 == 1, "only an odd kernel has a middle")
        return Window(
            kernel: (rows, columns),
            stride: stride,
            padding: (rows / 2, columns / 2)
        )
    }

    /// A square kernel without padding.
    static func valid(_ size: Int, stride: Int = 1, roundsUp: Bool = false) -> Window {
        Window(kernel: (size, size), stride: stride, roundsUp: roundsUp)
    }

    /// How many elements one channel of the kernel has.
    var area: Int { kernel.rows * kernel.columns }

    /// The height and width that come out for a height and width that go in.
    func size(of rows: Int, _ columns: Int) -> (rows: Int, columns: Int) {
        (
            steps(over: rows, kernel: kernel.rows, padding: padding.rows),
            steps(over: columns, kernel: kernel.columns, padding: padding.columns)
        )
    }

    private func steps(over length: Int, kernel: Int, padding: Int) -> Int {
        let room = length + 2 * padding - kernel
        precondition(room >= 0, "a window of \(kernel) doesn't fit into \(length) + 2 x \(padding)")
        guard roundsUp else { return room / stride + 1 }
        let steps = (room + stride - 1) / stride + 1
        // A step that would start in the padding behind the last element doesn't count.
        return (steps - 1) * stride >= length + padding ? steps - 1 : steps
    }
}
