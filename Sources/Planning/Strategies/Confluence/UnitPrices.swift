import ServingDomain

/// What a unit of each class of devices is worth, and what no plan could serve more than.
///
/// Both come from one linear program: model m gets x(m, c) units of class c, of which there are
/// U(c), each serves at most e(m, c), and no model is served more than its demand r(m). Every
/// plan that passes the planner's test gives such x, since the rates on a gpulet, each over what
/// a unit serves, sum to at most its units. Its dual is
///
///     minimise  sum U(c) y(c) + sum r(m) max(0, 1 - min over c of y(c) / e(m, c))   for y >= 0,
///
/// and any y at all gives an upper bound on what is served, so the search for a good one need not
/// be exact for the bound to hold. With one class it is exact: the best y is some e(m).
struct UnitPrices {
    /// The bound, in thousandths of a request per second.
    let milliRate: Int64
    /// How much of all units the demand needs at least, where 1 is everything; infinite where
    /// nothing fits.
    let need: Double

    /// Its name in plans.
    static let name = "linear program over units (dual)"

    /// The bound for `problem`. Cost: O(models x classes x 200).
    init(of problem: ConfluenceProblem) {
        let wants = problem.wants
        let served = wants.indices.filter { model in
            wants[model].milliRate > 0 && problem.offers.contains { $0[model] != nil }
        }
        let units = problem.classes.map { Double($0.units) * Double($0.devices.count) }
        let ideals = problem.offers.map { offers in served.map { offers[$0]?.ideal ?? 0 } }
        let rates = served.map { Double(wants[$0].milliRate) }
        let demand = rates.reduce(0, +)
        var prices = units.map { _ in 0.0 }
        var best = Self.dual(prices, units, ideals, rates)
        for _ in 0..<(units.count > 1 ? 4 : 1) {
            for place in prices.indices {
                (prices, best) = Self.lower(place, prices, best, units, ideals, rates)
            }
        }
        milliRate = Int64(min(demand, best, 9e18).rounded(.up))
        need = Self.need(units, ideals, rates)
    }

    /// Moves one price to where the dual is lowest; it is convex, so thirds find it.
    private static func lower(
        _ place: Int,
        _ prices: [Double],
        _ best: Double,
        _ units: [Double],
        _ ideals: [[Double]],
        _ rates: [Double]
    ) -> ([Double], Double) {
        var prices = prices
        var kept = (price: prices[place], value: best)
        var (low, high) = (0.0, ideals[place].max() ?? 0)
        for _ in 0..<(high > 0 ? 48 : 0) {
            let thirds = [low + (high - low) / 3, high - (high - low) / 3]
            var values: [Double] = []
            for price in thirds {
                prices[place] = price
                values.append(dual(prices, units, ideals, rates))
                if values[values.count - 1] < kept.value {
                    kept = (price, values[values.count - 1])
                }
            }
            if values[0] <= values[1] { high = thirds[1] } else { low = thirds[0] }
        }
        prices[place] = kept.price
        return (prices, kept.value)
    }

    private static func dual(
        _ prices: [Double],
        _ units: [Double],
        _ ideals: [[Double]],
        _ rates: [Double]
    ) -> Double {
        var value = 0.0
        for place in prices.indices { value += units[place] * prices[place] }
        for model in rates.indices {
            var paid = 1.0
            for place in prices.indices where ideals[place][model] > 0 {
                paid = min(paid, prices[place] / ideals[place][model])
            }
            value += rates[model] * (1 - paid)
        }
        return value
    }

    /// The demand in units of the best class each, over all units: below 1 proves nothing with
    /// several classes, above 1 that not everything fits.
    private static func need(_ units: [Double], _ ideals: [[Double]], _ rates: [Double]) -> Double {
        let total = units.reduce(0, +)
        guard total > 0 else { return .infinity }
        var sum = 0.0
        for model in rates.indices {
            let ideal = ideals.reduce(0) { max($0, $1[model]) }
            sum += rates[model] / max(ideal, 1e-9)
        }
        return sum / total
    }
}

extension ConfluenceProblem {
    /// Sets what units are worth so that demand, each model where it is cheapest, loads all
    /// classes alike. Cost: O(models x classes x 60).
    mutating func setPrices() {
        var prices = classes.map { _ in 1.0 }
        let units = classes.map { Double($0.units) * Double($0.devices.count) }
        if classes.count > 1 {
            for turn in 0..<60 {
                var loads = prices.map { _ in 0.0 }
                for model in wants.indices {
                    guard let (place, best) = cheapest(model, prices) else { continue }
                    loads[place] += Double(wants[model].milliRate) / best / units[place]
                }
                let mean = loads.reduce(0, +) / Double(loads.count)
                guard mean > 0 else { break }
                let pace = 0.5 / Double(1 + turn / 8)
                for place in prices.indices {
                    let push = min(1, max(-0.5, loads[place] / mean - 1))
                    prices[place] = max(1e-6, prices[place] * (1 + pace * push))
                }
            }
        }
        unitPrices = prices
        rateValues = wants.indices.map { model in
            guard let (place, best) = cheapest(model, prices) else { return 0 }
            return prices[place] / best
        }
    }

    private func cheapest(_ model: Int, _ prices: [Double]) -> (place: Int, best: Double)? {
        var found: (place: Int, best: Double)?
        for place in prices.indices {
            guard let best = offers[place][model]?.best, best > 0 else { continue }
            if let other = found, prices[other.place] / other.best <= prices[place] / best {
                continue
            }
            found = (place, best)
        }
        return found
    }
}
