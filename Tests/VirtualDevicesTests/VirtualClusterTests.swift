import ServingDomain
import Testing
import VirtualDevices

/// Every expected time here was worked out by hand.
@Suite struct VirtualClusterTests {
    /// Each of n stages goes at 1/n, copies or not.
    struct EqualParts: TrueContention {
        func progress(of stages: [RunningStage], copies: Int32, into rates: inout [Double]) {
            for place in stages.indices { rates[place] = 1 / Double(stages.count) }
        }
    }

    /// While anything is copied, runs go at half their rate.
    struct FeelsCopies: TrueContention {
        var feelsCopies: Bool { true }

        func progress(of stages: [RunningStage], copies: Int32, into rates: inout [Double]) {
            for place in stages.indices { rates[place] = copies > 0 ? 0.5 : 1 }
        }
    }

    @Test("Work is conserved when a neighbour comes and goes")
    func conserved() {
        let bench = Bench(truth: EqualParts())
        bench.begin(1, items: 1, atMs: 0)
        bench.begin(2, items: 1, atMs: 4)
        // 4 ms alone, then 6 ms of work at half the rate; then the other has 4 ms left alone.
        #expect(bench.ends() == ["1 at 16.0", "2 at 20.0"])
    }

    @Test("Three at once, one of them aborted")
    func aborted() {
        let bench = Bench(truth: EqualParts())
        bench.begin(1, items: 1, atMs: 0)
        bench.begin(2, items: 2, atMs: 0)
        let third = bench.begin(3, items: 2, atMs: 0)
        #expect(bench.ends(untilMs: 9) == [])
        // 3 ms of work done by each; 7 left of the first, 9 of the second (12 ms for 2 items).
        bench.cluster.abort(third, at: .zero + .milliseconds(9))
        #expect(bench.ends() == ["1 at 23.0", "2 at 25.0"])
    }

    @Test("gpu-lets' linear model as the truth: 1.2 times as long beside the neighbour")
    func linear() {
        let linear = LinearContention(
            l2Self: 0,
            l2Other: 1,
            dramSelf: 0,
            dramOther: 0,
            constant: 0.9
        )
        // The neighbour's L2 throughput is 0.6 on half of the device: 0.3 + 0.9 = 1.2.
        let bench = Bench(truth: ModelledContention(.linear(linear)), l2: 0.6)
        bench.begin(1, items: 1, atMs: 0)
        bench.begin(2, items: 1, atMs: 0, lane: 1)
        #expect(bench.ends() == ["1 at 12.0", "2 at 12.0"])
    }

    @Test("The loss model's prior: each neighbour takes 35 % of the progress")
    func loss() {
        let bench = Bench(truth: ModelledContention(.loss(.prior)))
        bench.begin(1, items: 1, atMs: 0)
        bench.begin(2, items: 1, atMs: 0, lane: 1)
        // 10 / 0.65 = 15.384615..., rounded up to a nanosecond.
        #expect(bench.ends() == ["1 at 15.384616", "2 at 15.384616"])
    }

    @Test("Measured instances of a lane cost what was measured, unmeasured ones take turns")
    func siblings() {
        let known = Bench(besides: [2: 15, 4: 30])
        known.begin(1, items: 1, atMs: 0)
        known.begin(2, items: 1, atMs: 0)
        #expect(known.ends() == ["1 at 15.0", "2 at 15.0"])
        let three = Bench(besides: [2: 15, 4: 30])
        for batch in Int32(1)...3 { three.begin(batch, items: 1, atMs: 0) }
        // Three at once were not measured: as four, a third of the rate.
        #expect(three.ends() == ["1 at 30.0", "2 at 30.0", "3 at 30.0"])
        let unknown = Bench()
        unknown.begin(1, items: 1, atMs: 0)
        unknown.begin(2, items: 1, atMs: 0)
        #expect(unknown.ends() == ["1 at 20.0", "2 at 20.0"])
    }

    @Test("Copies of one direction queue, those of the other do not; the run waits for its copy")
    func copies() {
        // 10 bytes/ns, 1 ms of set-up; 20 MB in (2 ms), 10 MB out (1 ms) per item.
        let bench = Bench(copy: CopySpec(setup: .milliseconds(1), bytesPerSecond: 10_000_000_000))
        bench.begin(1, items: 1, atMs: 0)
        bench.begin(2, items: 1, atMs: 0, lane: 1)
        // In: 0-3 and 3-6. Runs: 3-13 and 6-16. Out: 13-15 and 16-18.
        #expect(bench.ends() == ["1 at 15.0", "2 at 18.0"])
    }

    @Test("With one engine the directions exclude each other")
    func oneEngine() {
        let copy = CopySpec(setup: .zero, bytesPerSecond: 10_000_000_000)
        let bench = Bench(copy: copy, engines: 1)
        bench.begin(1, items: 1, atMs: 0)
        bench.begin(2, items: 1, atMs: 11, lane: 1)
        // 1: in 0-2, run 2-12, out wants 12. 2: in 11-13. So out 13-14; 2 runs 13-23, out 23-24.
        #expect(bench.ends() == ["1 at 14.0", "2 at 24.0"])
        let two = Bench(copy: copy, engines: 2)
        two.begin(1, items: 1, atMs: 0)
        two.begin(2, items: 1, atMs: 11, lane: 1)
        #expect(two.ends() == ["1 at 13.0", "2 at 24.0"])
    }

    @Test("Both ways at once is slower where the link says so")
    func bothWays() {
        let copy = CopySpec(setup: .zero, bytesPerSecond: 10_000_000_000, bothWaysMilli: 500)
        let bench = Bench(copy: copy)
        bench.begin(1, items: 1, atMs: 0)
        bench.begin(2, items: 1, atMs: 11, lane: 1)
        // 2's copy in: 1 ms at full rate, then out of 1 joins at 12: half each. Out: 10 MB at
        // 5 B/ns = 2 ms, till 14; in: 10 MB left at 5 B/ns, till 14 as well.
        #expect(bench.ends() == ["1 at 14.0", "2 at 25.0"])
    }

    @Test("Devices behind one link share it max-min fairly")
    func uplink() {
        func link(_ speed: Int64) -> CopySpec {
            CopySpec(
                setup: .zero,
                bytesPerSecond: speed,
                uplink: 7,
                uplinkBytesPerSecond: 12_000_000_000
            )
        }
        // 4 and 10 bytes/ns behind 12: the first gets its 4, the second 8.
        // 20 MB at 8 B/ns: 2.5 ms; 20 MB at 4 B/ns: 5 ms. Outputs never meet.
        let bench = Bench(copies: [link(4_000_000_000), link(10_000_000_000)])
        bench.begin(1, items: 1, atMs: 0, device: 0)
        bench.begin(2, items: 1, atMs: 0, device: 1)
        #expect(bench.ends() == ["2 at 13.5", "1 at 17.5"])
        // 10 and 10 behind 12: 6 each, 20 MB in 3.333334 ms.
        let equal = Bench(copies: [link(10_000_000_000), link(10_000_000_000)])
        equal.begin(1, items: 1, atMs: 0, device: 0)
        equal.begin(2, items: 1, atMs: 0, device: 1)
        #expect(equal.ends() == ["1 at 15.000001", "2 at 15.000001"])
    }

    @Test("Stages one by one: chunks in, segments, chunks out")
    func stages() {
        let copy = CopySpec(setup: .zero, bytesPerSecond: 10_000_000_000)
        var bench = Bench(copy: copy, segments: 4)
        // 20 MB in chunks of 2 MiB: nine, and 1,125,632 bytes. 10 MB: four, and 1,611,392.
        let plan = bench.cluster.stagePlan(row: bench.row, items: 1, on: DeviceID(0))
        #expect(plan.chunksIn == 10 && plan.chunksOut == 5)
        #expect(plan.isLast(.copyOut(chunk: 4)) && !plan.isLast(.run(segments: 1..<4)))
        var lengths: [String] = []
        let all: [Stage] = [
            .copyIn(chunk: 0), .copyIn(chunk: 9), .run(segments: 0..<1), .run(segments: 1..<4),
            .copyOut(chunk: 0), .copyOut(chunk: 4),
        ]
        for stage in all {
            bench.begin(1, items: 1, atMs: 0, stage: stage)
            lengths += bench.ends().map { $0.replacing("1 at ", with: "") }
            bench = Bench(copy: copy, segments: 4)
        }
        #expect(lengths == ["0.209716", "0.112564", "2.5", "7.5", "0.209716", "0.16114"])
    }

    @Test("Copies slow runs down where the truth says so")
    func copiesFelt() {
        let copy = CopySpec(setup: .zero, bytesPerSecond: 10_000_000_000)
        let bench = Bench(truth: FeelsCopies(), copy: copy)
        bench.begin(1, items: 1, atMs: 0)
        bench.begin(2, items: 1, atMs: 4, lane: 1)
        // 1 runs 2-, at half its rate from 4 to 6 (1 ms lost): till 13, out till 14.
        // 2 runs 6-, at half its rate from 13 to 14: till 16.5, out till 17.5.
        #expect(bench.ends() == ["1 at 14.0", "2 at 17.5"])
    }

    @Test("A slow device takes longer from then on, a hanging run never ends")
    func faults() {
        let bench = Bench()
        bench.begin(1, items: 1, atMs: 0)
        _ = bench.ends(untilMs: 5)
        bench.cluster.slow(DeviceID(0), milli: 3_000, at: .zero + .milliseconds(5))
        #expect(bench.ends() == ["1 at 20.0"])
        let hung = Bench()
        let job = hung.begin(1, items: 1, atMs: 0, hangs: true)
        #expect(hung.cluster.next == .distantFuture)
        hung.cluster.abort(job, at: .zero + .seconds(60))
        hung.begin(2, items: 1, atMs: 60_000)
        #expect(hung.ends() == ["2 at 60010.0"])
    }

    @Test("Beyond the profile nothing begins")
    func beyond() {
        let bench = Bench()
        #expect(bench.cluster.begin(bench.order(1, items: 9), at: .zero) == nil)
        #expect(bench.cluster.row(of: ModelID(0), on: DeviceID(0), units: 9) == nil)
        #expect(bench.cluster.next == .distantFuture)
    }

    @Test("Noise has median 1, depends on the draw alone, and its spread is as asked")
    func noise() {
        var logs: [Double] = []
        for draw in UInt64(1)...400 {
            let bench = Bench(spread: 0.1)
            bench.begin(1, items: 1, atMs: 0, draw: draw)
            let first = bench.last()
            let again = Bench(spread: 0.1)
            again.begin(5, items: 1, atMs: 0, draw: draw)
            #expect(again.last() == first)
            logs.append(first / 10)
        }
        logs.sort()
        #expect(abs(logs[200] - 1) < 0.02)
        #expect(abs(logs[336] / logs[200] - 1.105) < 0.03, "one deviation up: e^0.1")
    }

    @Test("Weights count once per model, workspace per instance; what doesn't fit is refused")
    func memory() {
        var memory = VirtualMemory(of: Bench.device(memoryMiB: 1), models: 2)
        let need = MemoryFootprint(weightsKiB: 500, workspace: [.init(batch: 8, kib: 200)])
        let first = memory.reserve(ModelID(0), need, batch: 8)
        #expect(first && memory.usedKiB == 700)
        let second = memory.reserve(ModelID(0), need, batch: 8)
        #expect(second && memory.usedKiB == 900)
        let third = memory.reserve(ModelID(1), need, batch: 8)
        #expect(!third)
        memory.release(ModelID(0), need, batch: 8)
        memory.release(ModelID(0), need, batch: 8)
        #expect(memory.usedKiB == 0)
        #expect(!memory.holds(ModelID(0)))
        #expect(memory.peakKiB == 900)
    }
}

/// A cluster with one model: 10 ms for one item and 2 ms for each further one, on 50 of 100 units.
final class Bench {
    var cluster: VirtualCluster
    private var now = Instant.zero
    private(set) var row: Int32

    static func device(
        _ index: Int32 = 0,
        memoryMiB: Int64 = 0,
        copy: CopySpec? = nil,
        engines: Int32 = 0
    ) -> DeviceSpec {
        DeviceSpec(
            id: DeviceID(index),
            name: "gpu\(index)",
            kind: "test",
            units: 100,
            memoryMiB: memoryMiB,
            copyEngines: engines,
            copy: copy
        )
    }

    init(
        truth: any TrueContention = NoContention(),
        copy: CopySpec? = nil,
        copies: [CopySpec] = [],
        engines: Int32 = 2,
        segments: Int32 = 1,
        l2: Double = 0,
        besides: [Int32: Int64] = [:],
        spread: Double = 0
    ) {
        var points = (1...Int32(8)).map {
            LatencySurface.Point(
                batch: $0,
                units: 50,
                latency: .milliseconds(8 + 2 * Int64($0))
            )
        }
        for (instances, milliseconds) in besides {
            points.append(
                LatencySurface.Point(
                    batch: 1,
                    units: 50,
                    instances: instances,
                    latency: .milliseconds(milliseconds)
                )
            )
        }
        let profile = DeviceProfile(
            kind: "test",
            surface: LatencySurface(points),
            utilization: [Utilization(batch: 1, sm: 0.5, l2: l2, dram: 0.2)],
            segments: segments
        )
        let all = copies.isEmpty ? [copy] : copies.map { $0 }
        let devices = all.enumerated().map { place, copy in
            Self.device(Int32(place), copy: copy, engines: copy == nil ? 0 : engines)
        }
        cluster = VirtualCluster(
            devices: devices,
            models: [
                ModelTruth(
                    profiles: [profile],
                    inputBytes: 20_000_000,
                    outputBytes: 10_000_000,
                    spread: spread
                )
            ],
            truths: devices.map { _ in truth },
            seed: 7
        )
        row = cluster.row(of: ModelID(0), on: DeviceID(0), units: 50) ?? -1
    }

    func order(_ batch: Int32, items: Int32) -> StageOrder {
        StageOrder(
            batch: BatchID(slot: batch, generation: 0),
            device: DeviceID(0),
            lane: 0,
            row: row,
            stage: .whole,
            items: items
        )
    }

    @discardableResult
    func begin(
        _ batch: Int32,
        items: Int32,
        atMs: Int64,
        lane: Int32 = 0,
        device: Int32 = 0,
        stage: Stage = .whole,
        draw: UInt64 = 0,
        hangs: Bool = false
    ) -> Int32 {
        var order = order(batch, items: items)
        order.lane = lane
        order.device = DeviceID(device)
        order.stage = stage
        order.draw = draw
        order.hangs = hangs
        let when = Instant.zero + .milliseconds(atMs)
        early += ends(until: when)
        return cluster.begin(order, at: when) ?? -1
    }

    /// What ended before the last begin.
    private var early: [String] = []

    func ends(untilMs: Int64 = 1_000_000) -> [String] {
        defer { early = [] }
        return early + ends(until: .zero + .milliseconds(untilMs))
    }

    /// When the last stage ended, in milliseconds.
    func last() -> Double {
        var time = 0.0
        while cluster.next < .distantFuture {
            if let ended = cluster.finish(at: cluster.next) {
                time = (ended.at - .zero).inMilliseconds
            }
        }
        return time
    }

    private func ends(until limit: Instant) -> [String] {
        var found: [String] = []
        while cluster.next <= limit, cluster.next < .distantFuture {
            if let ended = cluster.finish(at: cluster.next) {
                found.append("\(ended.batch.slot) at \((ended.at - .zero).inMilliseconds)")
            }
        }
        return found
    }
}
