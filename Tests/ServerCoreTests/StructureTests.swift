import ServerCore
import ServingDomain
import ServingTestKit
import Testing

/// The table, the ordered forest and the timer heap against simple models of themselves.
@Suite struct StructureTests {
    /// A record with storage of its own: a table that freed it twice, or never, would show here.
    private final class Witness: Sendable {}
    private struct Marked: Sendable {
        var number = 0
        let witness: Witness
    }

    @Test("A table keeps its records when it grows, and gives up all of them at its end")
    func table() {
        let kept = Witness()
        weak let seen = lost()
        #expect(seen == nil, "a record outlived its table")
        var table = Table(repeating: Marked(witness: kept), count: 2)
        for place in table.indices { table[place].number = place + 1 }
        table.grow(to: 5, with: Marked(number: 9, witness: kept))
        table.grow(to: 3, with: Marked(number: 0, witness: kept))
        #expect(table.filter { _ in true }.map(\.number) == [1, 2, 9, 9, 9])
        #expect(table.reduce(0) { $0 + $1.number } == 30)
        #expect(table.firstIndex { $0.number == 9 } == 2)
        #expect(table.contains { $0.number == 2 } && !table.contains { $0.number == 0 })
        #expect(table.count { $0.number == 9 } == 3)
        #expect(table.indices == 0..<5)
    }

    private func lost() -> Witness {
        let witness = Witness()
        let table = Table(repeating: Marked(witness: witness), count: 3)
        return table[1].witness
    }

    @Test("A tree of the forest is a sorted set, whatever comes and goes", arguments: 1...8)
    func forest(seed: UInt64) {
        var dice = SeededGenerator(seed: seed)
        var forest = OrderedForest(capacity: 64)
        var trees = [OrderedForest.Tree(), OrderedForest.Tree()]
        var model: [[(high: Int64, sequence: Int64, node: Int32)]] = [[], []]
        var home = [Int](repeating: -1, count: 64)
        for sequence in 0..<1_000 {
            let node = dice.number(in: 0...63)
            if home[node] >= 0 {
                forest.remove(Int32(node), from: &trees[home[node]])
                model[home[node]].removeAll { $0.node == Int32(node) }
                home[node] = -1
            } else {
                let tree = dice.number(in: 0...1)
                let high = Int64(dice.number(in: -3...3))
                forest.insert(
                    Int32(node),
                    high: high,
                    sequence: Int64(sequence),
                    into: &trees[tree]
                )
                model[tree].append((high, Int64(sequence), Int32(node)))
                model[tree].sort { ($0.high, $0.sequence) < ($1.high, $1.sequence) }
                home[node] = tree
            }
            for tree in 0...1 {
                #expect(walk(trees[tree], in: forest) == model[tree].map(\.node), "seed \(seed)")
                #expect(trees[tree].last == model[tree].last?.node ?? -1, "seed \(seed)")
                #expect(trees[tree].count == Int32(model[tree].count), "seed \(seed)")
            }
        }
    }

    private func walk(_ tree: OrderedForest.Tree, in forest: borrowing OrderedForest) -> [Int32] {
        var nodes: [Int32] = []
        var node = tree.first
        while node >= 0 {
            nodes.append(node)
            node = forest.next(after: node)
        }
        return nodes
    }

    @Test("The heap hands out the earliest, the lowest number of equals", arguments: 1...8)
    func timers(seed: UInt64) {
        var dice = SeededGenerator(seed: seed)
        var heap = TimerHeap(capacity: 50)
        var model = [Int64?](repeating: nil, count: 50)
        for _ in 0..<2_000 {
            let number = dice.number(in: 0...49)
            switch dice.number(in: 1...4) {
            case 1:
                heap.remove(Int32(number))
                model[number] = nil
            case 2:
                heap.set(Int32(number), at: .distantFuture)
                model[number] = nil
            default:
                let when = Int64(dice.number(in: 0...30))
                heap.set(Int32(number), at: Instant(nanoseconds: when))
                model[number] = when
            }
            let earliest = model.compactMap { $0 }.min()
            #expect(heap.earliest.nanoseconds == earliest ?? .max, "seed \(seed)")
            #expect(heap.count == model.count { $0 != nil }, "seed \(seed)")
            let due = heap.due(at: Instant(nanoseconds: 15))
            let expected = earliest.flatMap { $0 <= 15 ? model.firstIndex(of: $0) : nil }
            #expect(due == expected.map { Int32($0) }, "seed \(seed)")
            #expect(heap.point(of: Int32(number))?.nanoseconds == model[number], "seed \(seed)")
        }
    }

    @Test("A rate meter follows the arrivals of whole seconds and forgets them")
    func rates() {
        var meter = RateMeter()
        #expect(meter.milliRate(at: .zero) == 0)
        for step in 0..<20_000 { meter.count(at: .zero + .milliseconds(Int64(step))) }
        let rate = meter.milliRate(at: .zero + .seconds(20))
        #expect((990_000...1_000_000).contains(rate), "\(rate)")
        let later = meter.milliRate(at: .zero + .seconds(22))
        #expect((540_000...580_000).contains(later), "\(later)")
        #expect(meter.milliRate(at: .zero + .seconds(1_000)) == 0)
        #expect(meter.milliRate(at: .distantFuture) == 0)
    }
}
