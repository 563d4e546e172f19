/// Turns values of an axis into pixels, and knows where its ticks are.
struct Mapping {
    /// One labelled place of an axis.
    struct Tick: Hashable {
        var value: Double
        var label: String
    }

    let scale: Axis.Scale
    /// The values at the ends, in this order; `lower` < `upper`.
    let lower: Double, upper: Double
    /// The pixels at the ends; `end` may be less than `start` (heights grow downwards).
    let start: Double, end: Double
    /// Labelled places, ascending, all within the ends.
    let ticks: [Tick]

    /// Chooses ends and ticks for some data.
    ///
    /// - Parameters:
    ///   - axis: What is wanted.
    ///   - values: What must be seen; what is not finite, or not to be shown on a logarithmic
    ///     scale, is left out.
    ///   - start: The pixel of the lower end.
    ///   - end: The pixel of the upper end.
    ///   - isRounded: Whether the ends move out to the next ticks (linear scales only).
    init(
        _ axis: Axis,
        values: some Sequence<Double>,
        from start: Double,
        to end: Double,
        isRounded: Bool = true
    ) {
        scale = axis.scale
        self.start = start
        self.end = end
        let room = abs(end - start)
        // Level labels need more room along the axis than those below each other.
        let isUpright = end < start
        let shown = values.filter { Self.canShow($0, on: axis.scale) }
        let low = shown.min()
        let high = shown.max()
        switch axis.scale {
        case .linear:
            var ends = Self.linearEnds(axis, low, high)
            let step = Ticks.step(
                for: ends.upper - ends.lower,
                count: max(2, Int(room / (isUpright ? 46 : 70)))
            )
            if isRounded {
                if axis.lower == nil {
                    ends.lower = (ends.lower / step + 1e-9).rounded(.down) * step
                }
                if axis.upper == nil { ends.upper = (ends.upper / step - 1e-9).rounded(.up) * step }
            }
            (lower, upper) = (ends.lower, ends.upper)
            ticks = Ticks.linear(from: ends.lower, to: ends.upper, step: step)
        case .log:
            let ends = Self.logEnds(axis, low, high)
            (lower, upper) = (ends.lower, ends.upper)
            ticks = Ticks.log(
                from: ends.lower,
                to: ends.upper,
                count: Int(room / (isUpright ? 20 : 34))
            )
        case .nines:
            lower = 0
            // The largest share below 1 ends the axis: 1 itself lies infinitely far away.
            let last = axis.upper ?? shown.filter { $0 < 1 }.max() ?? 0.999
            upper = min(0.999_999, max(0.9, last))
            ticks = Ticks.nines(to: upper)
        }
    }

    /// The pixel of a value; nil where the scale has no place for it. Values beyond the ends
    /// give pixels beyond them, at most a width of the axis away.
    func pixel(_ value: Double) -> Double? {
        guard Self.canShow(value, on: scale) else { return nil }
        let low = Self.position(lower, on: scale)
        let high = Self.position(upper, on: scale)
        let part = (Self.position(value, on: scale) - low) / (high - low)
        return start + (end - start) * min(2, max(-1, part))
    }

    /// The pixel of a value, moved to the nearer end where it lies beyond.
    func pixelWithin(_ value: Double) -> Double? {
        guard let pixel = pixel(value) else { return nil }
        return min(max(start, end), max(min(start, end), pixel))
    }

    /// Whether a scale has a place for a value.
    static func canShow(_ value: Double, on scale: Axis.Scale) -> Bool {
        switch scale {
        case .linear: abs(value) < 1e290
        case .log: value > 1e-290 && value < 1e290
        case .nines: value >= 0 && value <= 1
        }
    }

    private static func position(_ value: Double, on scale: Axis.Scale) -> Double {
        switch scale {
        case .linear: value
        case .log: Logarithm.ten(value)
        // A fraction of exactly 1 lies infinitely far away; it is drawn at the seventh nine.
        case .nines: -Logarithm.ten(max(1e-7, 1 - value))
        }
    }

    // MARK: Ends

    private static func linearEnds(
        _ axis: Axis,
        _ low: Double?,
        _ high: Double?
    ) -> (lower: Double, upper: Double) {
        var lower = axis.lower ?? low ?? 0
        var upper = axis.upper ?? high ?? max(1, lower + 1)
        if axis.includesZero {
            if axis.lower == nil { lower = min(0, lower) }
            if axis.upper == nil { upper = max(0, upper) }
        }
        if !(upper - lower > max(abs(lower) * 1e-12, 1e-290)) {
            // One value only: it is to stand in the middle, or at half the height above zero.
            let pad = abs(lower) > 0 ? abs(lower) / 2 : 0.5
            if axis.lower == nil, !axis.includesZero || lower < 0 { lower -= pad }
            upper = max(lower, upper) + (pad > 0 ? pad : 1)
        }
        return (lower, upper)
    }

    private static func logEnds(
        _ axis: Axis,
        _ low: Double?,
        _ high: Double?
    ) -> (lower: Double, upper: Double) {
        let given = axis.lower.flatMap { $0 > 0 ? $0 : nil }
        var lower = given ?? low ?? 1
        var upper = axis.upper.flatMap { $0 > 0 ? $0 : nil } ?? high ?? lower * 10
        if given == nil { lower = Ticks.logFloor(lower) }
        if axis.upper == nil { upper = Ticks.logCeiling(upper) }
        if !(upper > lower * 1.000_001) { upper = lower * 10 }
        return (lower, upper)
    }
}
