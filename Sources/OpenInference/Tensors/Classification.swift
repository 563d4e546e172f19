public import ServingDomain

/// The classification extension: the largest values of an output, as BYTES `value:index[:label]`.
public enum Classification {
    /// Whether values of a type can be ranked.
    public static func takes(_ type: DataType) -> Bool {
        type != .bytes && type != .fp16 && type != .bf16
    }

    /// Ranks each row and writes the best in the wire's layout.
    ///
    /// - Parameters:
    ///   - bytes: The whole output.
    ///   - type: Its element type; `takes` must hold.
    ///   - shape: Its shape.
    ///   - batched: Whether its first dimension counts items.
    ///   - classes: How many to keep of each row.
    ///   - labels: Names in index order; those without one show none.
    /// - Returns: The new shape, `[items,] min(classes, count)`, and the BYTES tensor.
    public static func rank(
        _ bytes: UnsafeRawBufferPointer,
        type: DataType,
        shape: [Int64],
        batched: Bool,
        classes: Int32,
        labels: [String]
    ) -> (shape: [Int64], bytes: [UInt8]) {
        let rows = batched ? Int(shape.first ?? 1) : 1
        let count = bytes.count / max(1, type.size ?? 1) / max(1, rows)
        let kept = min(Int(classes), count)
        var result: [UInt8] = []
        for row in 0..<rows {
            let values = (0..<count).map {
                TensorElement.double(bytes, type, at: row * count + $0)
            }
            for index in largest(kept, of: values) {
                append(values[index], index, labels, to: &result)
            }
        }
        return (batched ? [Int64(rows), Int64(kept)] : [Int64(kept)], result)
    }

    /// The indices of the largest values, largest first; of equals the lower index first.
    private static func largest(_ kept: Int, of values: [Double]) -> [Int] {
        func precedes(_ left: Int, _ right: Int) -> Bool {
            // NaN sorts last, so that the order is total.
            let (a, b) = (values[left], values[right])
            if a.isNaN || b.isNaN { return a.isNaN == b.isNaN ? left < right : b.isNaN }
            return a == b ? left < right : a > b
        }
        guard kept > 0 else { return [] }
        if kept == 1 {
            return [values.indices.min(by: precedes)].compactMap { $0 }
        }
        return Array(values.indices.sorted(by: precedes).prefix(kept))
    }

    private static func append(
        _ value: Double,
        _ index: Int,
        _ labels: [String],
        to result: inout [UInt8]
    ) {
        var text = FixedPoint.text(value)
        text += ":\(index)"
        if index < labels.count { text += ":\(labels[index])" }
        let length = UInt32(text.utf8.count)
        for shift in stride(from: UInt32(0), to: 32, by: 8) {
            result.append(UInt8(truncatingIfNeeded: length >> shift))
        }
        result.append(contentsOf: text.utf8)
    }
}

/// Numbers with six decimals, as C's `%f` prints them.
enum FixedPoint {
    static func text(_ value: Double) -> String {
        guard value.isFinite else { return value.isNaN ? "nan" : value > 0 ? "inf" : "-inf" }
        let scaled = (abs(value) * 1e6).rounded(.toNearestOrEven)
        // Beyond 2^53 there are no decimals left to show; beyond 2^128 no whole number either.
        guard scaled < 9_007_199_254_740_992 else {
            guard let whole = UInt128(exactly: abs(value).rounded()) else { return "\(value)" }
            return "\(value < 0 ? "-" : "")\(whole).000000"
        }
        let whole = UInt64(scaled) / 1_000_000
        let rest = String(UInt64(scaled) % 1_000_000)
        let zeros = String(repeating: "0", count: 6 - rest.utf8.count)
        return "\(value.sign == .minus ? "-" : "")\(whole).\(zeros)\(rest)"
    }
}
