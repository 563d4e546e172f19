import CHost
import Foundation
import Glibc
import ServerCore
import ServingDomain
import Synchronization
import Testing

@testable import ServerRuntime

/// Low work gives way to high work in the kernel's scheduler, and a lone short request needs no
/// thread of its own.
@Suite("Urgency")
struct UrgencyTests {
    @Test("Nobody gives way before there is high work; then low work does, high work never")
    func classes() {
        let urgency = ClassUrgency(isWanted: true)
        #expect(urgency.isOn == ClassUrgency.mayTakeBack)
        #expect(!urgency.givesWay(isHigh: false))
        urgency.sawHigh()
        #expect(urgency.givesWay(isHigh: false) == urgency.isOn)
        #expect(!urgency.givesWay(isHigh: true))
    }

    @Test("What is not wanted is not done, whatever comes")
    func unwanted() {
        let urgency = ClassUrgency(isWanted: false)
        urgency.sawHigh()
        #expect(!urgency.isOn)
        #expect(!urgency.givesWay(isHigh: false))
    }

    @Test("Low work has what is left; what overtakes, and all while something loads, a step more")
    func paces() {
        let urgency = ClassUrgency(isWanted: true)
        #expect(urgency.pace(isHigh: false, overtakes: false) == .usual)
        urgency.sawHigh()
        guard urgency.isOn else { return }
        #expect(urgency.pace(isHigh: true, overtakes: false) == .usual)
        // Other tests of this process may load something at any time.
        let paces = ClassUrgency.loading {
            [false, true].map { urgency.pace(isHigh: false, overtakes: $0) }
        }
        #expect(paces == [.thirtieth, .eighth])
        #expect([.leftovers, .thirtieth].contains(urgency.pace(isHigh: false, overtakes: false)))
        #expect([.thirtieth, .eighth].contains(urgency.pace(isHigh: false, overtakes: true)))
    }

    @Test(
        "A thread has the pace of its batch while that runs, and the usual one afterwards",
        .enabled(if: ClassUrgency.mayTakeBack, "the process may not take back what it gave"),
        arguments: [WorkPace.usual, .eighth, .thirtieth, .leftovers]
    )
    func threads(pace: WorkPace) async {
        let found: [host_pace] = await withCheckedContinuation { told in
            SystemThread.start("paced") {
                pace.begin()
                let within = host_pace_of(0)
                // As `StarvationWatch` does with a thread that starves.
                if pace == .leftovers { _ = host_set_pace(0, HOST_PACE_HELPED_LITTLE) }
                pace.end()
                told.resume(returning: [within, host_pace_of(0)])
            }
        }
        let expected =
            switch pace {
            case .usual: HOST_PACE_USUAL
            case .eighth, .thirtieth: HOST_PACE_NICE
            case .leftovers: HOST_PACE_IDLE
            }
        #expect(found == [expected, HOST_PACE_USUAL])
    }

    @Test(
        "A run that gives way is raised by another thread, once, and only while it lasts",
        .enabled(if: ClassUrgency.mayTakeBack, "the process may not take back what it gave")
    )
    func raised() async {
        let pace = RunPace()
        #expect(!pace.raise(to: .thirtieth))
        let (begun, go) = (Doorbell(), Doorbell())
        let crew = Atomic<Int>(0)
        async let found: [host_pace] = withCheckedContinuation { told in
            SystemThread.start("raised") {
                pace.begin(.leftovers)
                begun.ring()
                go.wait()
                let within = host_pace_of(0)
                let raised = pace.end()
                #expect(raised == .thirtieth)
                told.resume(returning: [within, host_pace_of(0)])
            }
        }
        begun.wait()
        for _ in 0..<2 { pace.raise(to: .thirtieth) { crew.add(1, ordering: .relaxed) } }
        go.ring()
        #expect(await found == [HOST_PACE_NICE, HOST_PACE_USUAL])
        #expect(crew.load(ordering: .relaxed) == 1)
        #expect(!pace.raise(to: .thirtieth))
        pace.begin(.eighth)
        #expect(!pace.raise(to: .thirtieth))
        #expect(pace.end() == nil)
    }

    @Test("A brief thread has a short slice, and still has it after work that gave way")
    func brief() async {
        let found: [Int64] = await withCheckedContinuation { told in
            SystemThread.start("brief", urgency: .brief) {
                let before = host_slice_of(0)
                WorkPace.leftovers.begin()
                WorkPace.leftovers.end()
                told.resume(returning: [before, host_slice_of(0)])
            }
        }
        // Kernels before 6.12 know no slices of threads, and tell none.
        let isKnown = host_slice_of(0) > 0
        #expect(found == (isKnown ? [100_000, 100_000] : [0, 0]))
    }

    @Test(
        "A lane runs low batches as a thread that gives way and high ones as usual, in any order",
        .enabled(if: ClassUrgency.mayTakeBack, "the process may not take back what it gave")
    )
    func lanes() async throws {
        let engine = WatchedEngine()
        let runtime = try await WatchedEngine.serve(engine) { $0.lowGivesWay = true }
        var wanted: [Bool] = []
        for (place, priority) in ([2, 1, 2, 2, 1, 2] as [UInt64]).enumerated() {
            try await Self.ask(runtime, UInt8(place), priority)
            // Only once there is high work.
            wanted.append(priority == 2 && place > 0)
        }
        #expect(engine.runs.map(\.givesWay) == wanted)
        // The pool is told when it has to change, and only then; once more where other tests of
        // this process begin or end a load.
        #expect(engine.told.map { $0 != .usual }.removingRepeats == [true, false, true])
        await runtime.shutDown(patience: .seconds(10))
    }

    @Test(
        "A lane's thread is put on the cores of its batch while it sleeps, its pool with it",
        .enabled(if: HostCores.available().count > 1, "there is one core only")
    )
    func stance() async {
        let cores = HostCores.available()
        let engine = WatchedEngine()
        let instance = WatchedInstance(engine)
        let (bell, ended) = (Doorbell(), Doorbell())
        let sleeper = Sleeper()
        let thread: Int32 = await withCheckedContinuation { told in
            SystemThread.start("lane-asleep") {
                sleeper.stance.begin()
                told.resume(returning: host_thread_number())
                bell.wait()
                ended.ring()
            }
        }
        let seats: [ArraySlice<Int32>] = [cores.suffix(1), cores.prefix(1), [], []]
        for seat in seats {
            sleeper.stance.sit(on: seat, own: cores, instance)
            let wanted = seat.isEmpty ? cores : Array(seat)
            var found = [Int32](repeating: 0, count: cores.count + 1)
            let count = host_thread_cores(thread, &found, Int32(found.count))
            #expect(Array(found.prefix(Int(count))) == wanted)
        }
        // Told when the cores change, and only then.
        #expect(engine.pinned == [Array(cores.suffix(1)), Array(cores.prefix(1)), cores])
        bell.ring()
        ended.wait()
    }

    /// What a sleeping thread and the one that wakes it share, one at a time.
    private final class Sleeper: @unchecked Sendable {
        // Safe: the sleeping thread is done with it before anybody else touches it.
        var stance = LaneStance()
    }

    @Test("A lone short request runs on the submitting thread; one that is told not to does not")
    func inline() async throws {
        for (limit, isInline) in [(TimeSpan.seconds(5), true), (.zero, false)] {
            let engine = WatchedEngine()
            let runtime = try await WatchedEngine.serve(engine) { $0.inlineBelow = limit }
            for value in 0..<4 { try await Self.ask(runtime, UInt8(value), 1) }
            #expect(engine.runs.map { $0.name.hasPrefix("lane-") }.contains(false) == isInline)
            await runtime.shutDown(patience: .seconds(10))
        }
    }

    @Test("An engine that keeps something by thread is only called on the lane's own")
    func ownThread() async throws {
        let engine = WatchedEngine(needsItsThread: true)
        let runtime = try await WatchedEngine.serve(engine) { $0.inlineBelow = .seconds(5) }
        for value in 0..<4 { try await Self.ask(runtime, UInt8(value), 1) }
        #expect(engine.runs.count == 4)
        #expect(engine.runs.allSatisfy { $0.name.hasPrefix("lane-") })
        await runtime.shutDown(patience: .seconds(10))
    }

    private static func ask(
        _ runtime: ServingRuntime,
        _ value: UInt8,
        _ priority: UInt64
    ) async throws {
        let servable = try runtime.servable(named: "echo", version: nil)
        let exchange = TestExchange(Array(repeating: value, count: 64))
        let ticket = Ticket(
            items: 1,
            shapes: InputShapes([[16]]),
            priority: priority,
            timeout: nil,
            arrival: ServingRuntime.now()
        )
        _ = runtime.submit(exchange, to: servable, ticket)
        guard case .completed = await exchange.ended() else {
            Issue.record("request \(value) was not served")
            return
        }
        #expect(exchange.output == Array(repeating: value, count: 64))
        // Results, replies and the core's lock must not wait for a core that high work has.
        #expect(exchange.pace == HOST_PACE_USUAL)
    }
}

/// An engine that echoes, and notes how the system runs the thread that calls it.
private final class WatchedEngine: Engine, LoadedModel {
    /// One run of a request's batch.
    struct Run: Hashable {
        /// Whether the thread had a smaller part of its core.
        var givesWay: Bool
        /// What the thread is called.
        var name: String
    }

    let needsItsThread: Bool
    private let noted = Mutex<(runs: [Run], told: [WorkPace])>(([], []))
    private let seats = Mutex<[[Int32]]>([])

    init(needsItsThread: Bool = false) { self.needsItsThread = needsItsThread }

    /// The runs on threads that serve; those of warm-ups are left out.
    var runs: [Run] { noted.withLock { $0.runs.filter { !$0.name.hasPrefix("load-") } } }
    /// What instances were told of how to run their own threads.
    var told: [WorkPace] { noted.withLock { $0.told } }

    let platform = "test"
    let declared = DeclaredSignature(inputs: [], outputs: [])
    let weightsMiB: Int64 = 0

    func load(_ artifact: ModelArtifact) throws(EngineError) -> any LoadedModel { self }

    func makeInstance(_ placement: Placement) throws(EngineError) -> any EngineInstance {
        WatchedInstance(self)
    }

    /// Where instances were told to put their own threads.
    var pinned: [[Int32]] { seats.withLock { $0 } }

    func note(_ cores: [Int32]) { seats.withLock { $0.append(cores) } }

    func note(_ pace: WorkPace) { noted.withLock { $0.told.append(pace) } }

    func noteRun() {
        let name = (try? String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8)) ?? ""
        let run = Run(givesWay: host_pace_of(0) != HOST_PACE_USUAL, name: name)
        noted.withLock { $0.runs.append(run) }
    }

    static func serve(
        _ engine: WatchedEngine,
        change: (inout RuntimeConfiguration) -> Void
    ) async throws -> ServingRuntime {
        let device = DeviceSpec(id: DeviceID(0), name: "cpu0", kind: "cpu", units: 1)
        var configuration = RuntimeConfiguration(
            core: CoreConfiguration(devices: [device], policy: "edf"),
            unitNumbers: [[0]]
        )
        configuration.control = .explicit(["*"])
        change(&configuration)
        var definition = RuntimeFixture.echo()
        definition.rules.priorities = PriorityRules(levels: 2, defaultLevel: 2)
        let runtime = try ServingRuntime(
            configuration,
            engine: engine,
            source: ListedModels([definition]),
            logSettings: LogSettings(),
            logger: RuntimeFixture.silence
        )
        await runtime.start()
        return runtime
    }
}

private final class WatchedInstance: EngineInstance, @unchecked Sendable {
    // Safe: one thread at a time touches the buffer (`EngineInstance`).
    private let engine: WatchedEngine
    private var bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 4_096, alignment: 64)
    private var count = 0
    private var items: Int64 = 0

    init(_ engine: WatchedEngine) { self.engine = engine }
    deinit { bytes.deallocate() }

    var computesOnCaller: Bool { true }
    var needsItsThread: Bool { engine.needsItsThread }

    func prepare(items: Int32, shapes: InputShapes) throws(EngineError) {
        self.items = Int64(items)
    }

    func input(
        _ index: Int,
        byteCount: Int
    ) throws(EngineError) -> UnsafeMutableRawBufferPointer {
        count = byteCount
        return UnsafeMutableRawBufferPointer(rebasing: bytes[..<byteCount])
    }

    func perform(_ stage: Stage) throws(EngineError) -> StageTimes? {
        engine.noteRun()
        return nil
    }

    func output(_ index: Int) throws(EngineError) -> EngineOutput {
        EngineOutput(
            shape: [items, 16],
            bytes: UnsafeRawBufferPointer(rebasing: bytes[..<count])
        )
    }

    func pin(_ placement: Placement) throws(EngineError) {}
    func setPace(_ pace: WorkPace) { engine.note(pace) }
    func pinCrew(to cores: [Int32]) { engine.note(cores) }
    func terminate() {}
}

extension Array where Element: Equatable {
    /// Without elements that equal the one before.
    fileprivate var removingRepeats: [Element] {
        indices.filter { $0 == 0 || self[$0] != self[$0 - 1] }.map { self[$0] }
    }
}
