/// The most efficient share: where the affordable rate bends most (gpu-lets; notes, 1.5).
enum Knee {
    /// The knee of a curve of (units, rate), ascending by units; 0 if no size has a rate.
    ///
    /// Both axes are scaled to 0...1 and the origin is a point of the curve. The curvature at a
    /// point is that of the circle through it and its two neighbours; only bends downwards count.
    /// A curve without any is straight or bends upwards: then the size with the most rate per
    /// unit is the most efficient, of equals the largest, since every cut costs slowdown.
    static func units(of curve: [(units: Int32, milliRate: Int64)]) -> Int32 {
        guard let last = curve.last, let top = curve.map(\.milliRate).max(), top > 0 else {
            return 0
        }
        var points: [(x: Double, y: Double)] = [(0, 0)]
        for point in curve {
            points.append(
                (
                    Double(point.units) / Double(last.units),
                    Double(point.milliRate) / Double(top)
                )
            )
        }
        var sharpest = (curvature: least, units: Int32(0))
        for place in points.indices.dropFirst().dropLast() where points[place].y > 0 {
            let bend = curvature(points[place - 1], points[place], points[place + 1])
            if bend > sharpest.curvature { sharpest = (bend, curve[place - 1].units) }
        }
        if sharpest.units > 0 { return sharpest.units }
        var best = (perUnit: 0.0, units: Int32(0))
        for point in curve where point.milliRate > 0 {
            let perUnit = Double(point.milliRate) / Double(point.units)
            // What rounding to whole thousandths does to a straight line is no difference.
            if perUnit >= best.perUnit * (1 - 1e-6) {
                best = (max(perUnit, best.perUnit), point.units)
            }
        }
        return best.units
    }

    /// Below this a curve counts as straight.
    private static let least = 1e-3

    /// 1 / radius of the circle through three points, positive where they bend downwards.
    private static func curvature(
        _ first: (x: Double, y: Double),
        _ middle: (x: Double, y: Double),
        _ last: (x: Double, y: Double)
    ) -> Double {
        let (ax, ay) = (middle.x - first.x, middle.y - first.y)
        let (bx, by) = (last.x - middle.x, last.y - middle.y)
        let (cx, cy) = (last.x - first.x, last.y - first.y)
        let turn = ay * bx - ax * by
        let lengths =
            ((ax * ax + ay * ay) * (bx * bx + by * by) * (cx * cx + cy * cy)).squareRoot()
        return lengths > 0 ? 2 * turn / lengths : 0
    }
}
