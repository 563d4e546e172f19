import ServingDomain

/// What the free units of a device could still serve, so that taking some of them has a price.
///
/// Where a device may have few gpulets of few sizes, a small gpulet is not cheap: it may leave a
/// rest that nobody can use well. So a gpulet of u units on a device with f free units, of which n
/// more may be made, costs potential(n, f) - potential(n - 1, f - u): a knapsack over the sizes,
/// each worth what the model that it suits best would serve on it. Demand is not looked at.
struct UnitPotential {
    /// More gpulets than this count as this many.
    static let mostGpulets = 8
    /// More cells than this are not counted; then a unit costs what it is worth.
    private static let mostCells = 2_048

    /// Potential by gpulets, then by cells of free units; empty where not counted.
    private let values: [[Double]]
    private let unitsPerCell: Int32
    private let price: Double

    /// For one class; `slowdowns` is what each model should bear. Cost: O(sizes x cells).
    init(_ problem: ConfluenceProblem, group: Int, slowdowns: [Double]) {
        let kind = problem.classes[group]
        price = problem.unitPrices[group]
        var step = kind.units
        for size in kind.sizes { step = Self.divisor(step, size) }
        unitsPerCell = step
        let cells = Int(kind.units / step)
        guard cells <= Self.mostCells else {
            values = []
            return
        }
        var worth = Array(repeating: 0.0, count: cells + 1)
        for (model, offer) in problem.offers[group].enumerated() {
            guard let offer else { continue }
            for size in offer.sizes {
                let best = problem.rule.best(
                    of: size,
                    slowdown: size.units == kind.units ? 1 : slowdowns[model],
                    for: problem.wants[model]
                )
                let value = (best?.cap ?? 0) * problem.rateValues[model]
                worth[Int(size.units / step)] = max(worth[Int(size.units / step)], value)
            }
        }
        let sizes = worth.indices.filter { worth[$0] > 0 && $0 > 0 }
        var values = [Array(repeating: 0.0, count: cells + 1)]
        for gpulets in 1...Self.mostGpulets {
            var row = values[gpulets - 1]
            for free in row.indices {
                for size in sizes where size <= free {
                    row[free] = max(row[free], worth[size] + values[gpulets - 1][free - size])
                }
            }
            values.append(row)
        }
        self.values = values
    }

    /// What a new gpulet of `units` costs where `free` are free and `gpulets` more may be made.
    func cost(of units: Int32, free: Int32, gpulets: Int) -> Double {
        difference(before: (gpulets, free), after: (gpulets - 1, free - units), units)
    }

    /// What `units` more for a gpulet cost.
    func cost(ofMore units: Int32, free: Int32, gpulets: Int) -> Double {
        difference(before: (gpulets, free), after: (gpulets, free - units), units)
    }

    private func difference(
        before: (gpulets: Int, free: Int32),
        after: (gpulets: Int, free: Int32),
        _ units: Int32
    ) -> Double {
        let own = Double(units) * price
        guard !values.isEmpty else { return own }
        let most = Self.mostGpulets
        let full = values[min(most, max(0, before.gpulets))][Int(before.free / unitsPerCell)]
        let rest = values[
            min(most, max(0, before.gpulets > most ? before.gpulets : after.gpulets))
        ][Int(after.free / unitsPerCell)]
        // Units that nobody else could use are still not free: somebody may come.
        return max(full - rest, own / 10)
    }

    private static func divisor(_ left: Int32, _ right: Int32) -> Int32 {
        var (left, right) = (left, right)
        while right > 0 { (left, right) = (right, left % right) }
        return left
    }
}
