import CHost
import ServingDomain

/// How eagerly a lane's threads run, and on which cores.
struct LaneStance {
    /// The cores that they were last put on for a batch; empty = the instance's.
    private(set) var cores: ArraySlice<Int32> = []
    /// How the instance's own threads run.
    private var pace = WorkPace.usual
    /// The system's number of the lane's thread, once that has begun.
    private var thread: Int32 = 0

    /// Says that the calling thread is the lane's.
    mutating func begin() { thread = host_thread_number() }

    /// Puts the threads on the cores that a batch was given, on `own` where it may run anywhere.
    mutating func sit(
        on given: ArraySlice<Int32>,
        own: @autoclosure () -> [Int32],
        _ instance: (any EngineInstance)?
    ) {
        guard given != cores, thread != 0 else { return }
        cores = given
        let places = given.isEmpty ? own() : Array(given)
        _ = host_move_thread(thread, places, Int32(places.count))
        instance?.pinCrew(to: places)
    }

    /// Lets the instance's own threads run at a pace.
    mutating func take(_ next: WorkPace, _ instance: any EngineInstance) {
        guard next != pace else { return }
        pace = next
        instance.setPace(next)
    }

    /// Somebody else has let the instance's own threads run at a pace.
    mutating func wasRaised(to next: WorkPace) { pace = next }

    /// The threads have been put on the instance's own cores, or another instance took over.
    mutating func settled(_ instance: (any EngineInstance)?) {
        cores = []
        if pace != .usual { instance?.setPace(pace) }
    }
}
