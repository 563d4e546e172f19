import Testing
import Workloads

@Suite("The seeded generator")
struct SeededGeneratorTests {
    @Test("Units lie within [0, 1) and are evenly spread; exponentials have mean 1")
    func distributions() {
        let seed: UInt64 = 3
        var generator = SeededGenerator(seed: seed)
        var bins = Array(repeating: 0, count: 10)
        var sum = 0.0
        for _ in 0..<100_000 {
            let unit = generator.unit()
            #expect(unit >= 0 && unit < 1)
            bins[Int(unit * 10)] += 1
            sum += generator.exponential()
        }
        // Chi-squared with 9 degrees of freedom: 27.9 is exceeded once in a thousand seeds.
        let chi = bins.reduce(0.0) { $0 + Double(($1 - 10_000) * ($1 - 10_000)) / 10_000 }
        #expect(chi < 27.9, "seed \(seed): \(chi)")
        #expect(abs(sum / 100_000 - 1) < 0.015, "seed \(seed)")
    }

    @Test("Streams of one seed differ from each other and from the seed's own numbers")
    func streams() {
        var firsts = Set<UInt64>()
        for stream in UInt64(0)..<1_000 {
            var generator = SeededGenerator(seed: 7, stream: stream)
            firsts.insert(generator.next())
        }
        var plain = SeededGenerator(seed: 7)
        firsts.insert(plain.next())
        #expect(firsts.count == 1_001)
    }

    @Test("The numbers of seed 1 are those of the published algorithms")
    func published() {
        var generator = SeededGenerator(seed: 1)
        let numbers = (0..<4).map { _ in generator.next() }
        #expect(
            numbers == [
                12966619160104079557,
                9600361134598540522,
                10590380919521690900,
                7218738570589545383,
            ]
        )
    }
}
