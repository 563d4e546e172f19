import ServingTestKit
import Testing

@testable import Planning

#if canImport(Foundation)
import Foundation
#endif

/// The table that planners read against the chain that it was written from.
@Suite struct CapacityTableTests {
    /// The load that the chain allows for one entry.
    private static func computed(_ target: Double, _ limit: Int, _ part: Int, _ patience: Double)
        -> Double
    {
        let fixed = Double(part) / 4
        let times = (1...limit).map { fixed + (1 - fixed) * Double($0) / Double(limit) }
        return BatchQueue(times: times, rate: 0, objective: patience).highestLoad(within: target)
    }

    @Test("Entries are what the chain says; UPDATE_GOLDEN=1 writes them anew")
    func entries() throws {
        if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] != nil { try Self.write() }
        var dice = SeededGenerator(seed: 3)
        for _ in 0..<60 {
            let row = dice.number(in: 0...CapacityTable.targets.count - 1)
            let target = CapacityTable.targets[row]
            let limit = dice.one(of: CapacityTable.limits.filter { $0 <= 16 })
            let part = dice.number(in: 0...4)
            let patience = dice.one(of: Array(CapacityTable.patiences.dropFirst()))
            let read = CapacityTable.load(
                limit: limit,
                fixed: Double(part) / 4,
                patience: patience,
                row: row
            )
            let computed = Self.computed(target, limit, part, patience)
            let place = "target \(target) limit \(limit) fixed \(part)/4 patience \(patience)"
            #expect(abs(read - computed) < 0.0015, "\(place): \(read) against \(computed)")
        }
    }

    @Test("Between its points the table promises at most some hundredths more than the chain")
    func between() {
        print("seed 4")
        var dice = SeededGenerator(seed: 4)
        for _ in 0..<40 {
            let limit = dice.number(in: 1...14)
            let fixed = dice.fraction()
            let patience = 1.05 + 4 * dice.fraction()
            let row = dice.number(in: 0...CapacityTable.targets.count - 1)
            let read = CapacityTable.load(limit: limit, fixed: fixed, patience: patience, row: row)
            let times = (1...limit).map { fixed + (1 - fixed) * Double($0) / Double(limit) }
            let computed = BatchQueue(times: times, rate: 0, objective: patience)
                .highestLoad(within: CapacityTable.targets[row])
            #expect(read <= computed + 0.08, "limit \(limit) fixed \(fixed) patience \(patience)")
        }
    }

    @Test("Hostile questions have plain answers")
    func edges() {
        #expect(CapacityTable.load(limit: 8, fixed: 0.5, patience: 1, row: 0) == 0)
        #expect(CapacityTable.load(limit: 8, fixed: 0.5, patience: .nan, row: 0) == 0)
        #expect(CapacityTable.load(limit: 8, fixed: -3, patience: .infinity, row: 0) > 0.9)
        #expect(CapacityTable.load(limit: 1_000_000, fixed: 9, patience: 4, row: 0) > 0.9)
        #expect(CapacityTable.row(of: 0) == nil)
        #expect(CapacityTable.row(of: 0.01) == 2)
        #expect(CapacityTable.row(of: 0.009) == 3)
    }

    /// Writes the source file with all entries.
    private static func write() throws {
        var text = "extension CapacityTable {\n"
        text += "    /// The loads in thousandths: by target, then limit, then fixed part, then "
        text += "patience from the\n    /// second on. Written by `CapacityTableTests` "
        text += "(`UPDATE_GOLDEN=1`).\n    static let perMille: [Int16] = [\n"
        var line = "       "
        for target in CapacityTable.targets {
            for limit in CapacityTable.limits {
                for part in 0..<CapacityTable.fixedParts {
                    for patience in CapacityTable.patiences.dropFirst() {
                        let load = Int(computed(target, limit, part, patience) * 1_000)
                        if line.count + "\(load)".count + 2 > 99 {
                            text += line + "\n"
                            line = "       "
                        }
                        line += " \(load),"
                    }
                }
            }
        }
        text += line + "\n    ]\n}\n"
        let file = URL(fileURLWithPath: #filePath)
            .appending(path: "../../../../Sources/Planning/Queueing/CapacityTable+Values.swift")
        try text.write(to: file.standardized, atomically: true, encoding: .utf8)
    }
}
