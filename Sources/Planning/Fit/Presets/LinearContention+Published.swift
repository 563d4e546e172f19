public import ServingDomain

extension LinearContention {
    /// gpu-lets' coefficients for the RTX 2080 Ti (released with its code; notes, section 3).
    public static let rtx2080ti = LinearContention(
        l2Self: 0.112908,
        l2Other: 0.715960,
        dramSelf: 0.354866,
        dramOther: 0.088204,
        constant: 0.895369
    )

    /// gpu-lets' coefficients for the RTX 3080 (the same place).
    public static let rtx3080 = LinearContention(
        l2Self: -0.179887,
        l2Other: 0.038409,
        dramSelf: 0.125518,
        dramOther: -0.056482,
        constant: 1.018427
    )

    /// What goes beyond 1 multiplied by `factor`: 0 turns contention off, 2 doubles it.
    public func scaled(by factor: Double) -> LinearContention {
        precondition(factor >= 0)
        return LinearContention(
            l2Self: l2Self * factor,
            l2Other: l2Other * factor,
            dramSelf: dramSelf * factor,
            dramOther: dramOther * factor,
            constant: 1 + (constant - 1) * factor
        )
    }
}
