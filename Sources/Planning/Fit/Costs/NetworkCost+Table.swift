public import ServingDomain

extension NetworkCost {
    /// Reads a committed table: a line for each kind of operation with count, kind (with `*`
    /// where a bias or normalisation belongs to it), FLOPs, bytes of weights, bytes read and
    /// bytes written by one item.
    ///
    /// - Precondition: the table is well formed; tables are part of the program.
    init(
        _ name: String,
        inputBytes: Int64,
        outputBytes: Int64,
        storedBytes: Int64,
        table: String
    ) {
        let kernels = table.split(separator: "\n").map { line in
            guard let kernel = KernelCost(line: line) else {
                preconditionFailure("the costs of \(name) have the line '\(line)'")
            }
            return kernel
        }
        self.init(
            name: name,
            inputBytes: inputBytes,
            outputBytes: outputBytes,
            storedBytes: storedBytes,
            kernels: kernels
        )
    }

    /// The costs of the network of this name; nil where there is no table.
    ///
    /// Our zoo's names and those of the papers both count: `bert` is `bert-base`,
    /// `ssd-mobilenet_v1` is `ssd-mobilenetv1`, `lenet1`...`lenet6` are `lenet`.
    public static func named(_ name: String) -> NetworkCost? {
        let wanted: String
        switch name {
        case "bert": wanted = "bert-base"
        case "ssd-mobilenet_v1", "ssd": wanted = "ssd-mobilenetv1"
        case "lenet1", "lenet2", "lenet3", "lenet4", "lenet5", "lenet6": wanted = "lenet"
        default: wanted = name
        }
        return known.first { $0.name == wanted }
    }
}

extension KernelCost {
    fileprivate init?(line: Substring) {
        let words = line.split(separator: " ")
        guard words.count == 6, let count = Int32(words[0]) else { return nil }
        let numbers = words[2...].compactMap { Int64($0) }
        let isShifted = words[1].hasSuffix("*")
        let word = isShifted ? words[1].dropLast() : words[1]
        guard numbers.count == 4, let kind = Kind(rawValue: String(word)) else { return nil }
        self.init(
            kind,
            count: count,
            isShifted: isShifted,
            flops: numbers[0],
            weightBytes: numbers[1],
            readBytes: numbers[2],
            writeBytes: numbers[3]
        )
    }
}
