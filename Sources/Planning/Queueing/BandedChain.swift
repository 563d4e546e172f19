/// A Markov chain whose states are numbered and whose steps lead down by a few states at most, as
/// the length of a queue does from one batch to the next.
///
/// The stationary chances come from elimination without subtractions (Grassmann, Taksar and
/// Heyman 1985), so no digits are lost however rare a state is.
/// Cost: O(states x band x what leads up), O(states x states) memory.
struct BandedChain {
    /// The lowest and the highest state; lower ones are not used.
    let first: Int, last: Int
    /// How far down a step leads at most.
    let band: Int
    private let width: Int
    private var chances: [Double]

    /// A chain without any step yet.
    init(states: ClosedRange<Int>, band: Int) {
        precondition(states.lowerBound >= 0 && band >= 1)
        first = states.lowerBound
        last = states.upperBound
        self.band = band
        width = last + 1
        chances = Array(repeating: 0, count: width * width)
    }

    /// Adds to the chance of a step; what leads beyond the last state leads to it.
    mutating func add(_ chance: Double, from: Int, to: Int) {
        chances[from * width + min(to, last)] += chance
    }

    /// The chance of each state by its number, up to a common factor: the first one's is 1.
    func stationary() -> [Double] {
        var chances = chances
        for state in stride(from: last, to: first, by: -1) {
            let lowest = max(first, state - band)
            var leaving = 0.0
            for place in lowest..<state { leaving += chances[state * width + place] }
            guard leaving > 0 else { continue }
            for from in first..<state where chances[from * width + state] > 0 {
                let chance = chances[from * width + state] / leaving
                chances[from * width + state] = chance
                for place in lowest..<state {
                    chances[from * width + place] += chance * chances[state * width + place]
                }
            }
        }
        var result = Array(repeating: 0.0, count: width)
        result[first] = 1
        guard first < last else { return result }
        for place in first + 1...last {
            var sum = 0.0
            for from in first..<place { sum += result[from] * chances[from * width + place] }
            result[place] = sum
        }
        return result
    }
}
