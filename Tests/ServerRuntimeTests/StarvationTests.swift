import CHost
import Foundation
import Glibc
import ServingDomain
import Synchronization
import Testing

@testable import ServerRuntime

/// Loading gives way to everything, and comes to an end all the same.
@Suite("Starvation")
struct StarvationTests {
    @Test("Who sleeps or gets its part does not starve; who only waits does")
    func judgement() {
        let look: UInt64 = 250_000_000
        #expect(StarvationLook.starves(0, true))
        #expect(StarvationLook.starves(look / 100, true))
        #expect(!StarvationLook.starves(look / 10, true))
        #expect(!StarvationLook.starves(0, false))
        #expect(!StarvationLook.starves(look, false))
    }

    @Test(
        "A thread that gives way and never gets its core is helped for a while, and no other",
        .enabled(if: ClassUrgency.mayTakeBack, "the process may not take back what it gave"),
        .timeLimit(.minutes(2))
    )
    func help() async throws {
        let core = try #require(HostCores.available().first)
        let bench = StarvationBench(core: core)
        defer { bench.stop() }
        let hungry = await bench.begin("hungry", .background)
        let idle = await bench.begin("idle-one", .background, isBusy: false)
        let greedy = await bench.begin("greedy", .normal)
        StarvationWatch.begin()
        #expect(await bench.reaches(hungry, HOST_PACE_HELPED, HOST_PACE_HELPED_LITTLE))
        #expect(host_pace_of(idle) == HOST_PACE_IDLE)
        #expect(host_pace_of(greedy) == HOST_PACE_USUAL)
        // Help ends, and comes again.
        #expect(await bench.reaches(hungry, HOST_PACE_IDLE))
        #expect(await bench.reaches(hungry, HOST_PACE_HELPED, HOST_PACE_HELPED_LITTLE))
    }

    @Test(
        "Who has another niceness than help gives is not taken for one that is helped",
        arguments: [WorkPace.eighth, .thirtieth]
    )
    func otherNiceness(pace: WorkPace) async {
        let found: host_pace = await withCheckedContinuation { told in
            SystemThread.start("nice-one") {
                pace.begin()
                told.resume(returning: host_pace_of(0))
            }
        }
        #expect(found == HOST_PACE_NICE)
    }
}

/// Threads on one core, until they are stopped.
private final class StarvationBench: Sendable {
    private let core: Int32
    private let isOver = Atomic<Bool>(false)
    private let end = Doorbell()

    init(core: Int32) { self.core = core }

    /// Starts a thread that spins or sleeps; returns the system's number for it.
    func begin(
        _ name: String,
        _ urgency: SystemThread.Urgency,
        isBusy: Bool = true
    ) async -> Int32 {
        await withCheckedContinuation { begun in
            SystemThread.start(name, urgency: urgency) { [self] in
                _ = host_move_thread(0, [core], 1)
                begun.resume(returning: host_thread_number())
                if !isBusy { end.wait() }
                while !isOver.load(ordering: .relaxed) {}
            }
        }
    }

    /// Whether a thread comes to be run as wanted, within forty seconds.
    func reaches(_ thread: Int32, _ paces: host_pace...) async -> Bool {
        let bell = Doorbell()
        for _ in 0..<800 {
            if paces.contains(host_pace_of(thread)) { return true }
            await withCheckedContinuation { next in
                SystemThread.start("look") {
                    _ = bell.wait(until: MonotonicTime.now() + .milliseconds(50))
                    next.resume()
                }
            }
        }
        return false
    }

    func stop() {
        isOver.store(true, ordering: .relaxed)
        end.ring()
    }
}
