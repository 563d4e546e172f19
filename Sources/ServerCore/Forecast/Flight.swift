package import ServingDomain

/// One batch on its way through a device: what is left of its copies and of its run.
///
/// Times are nanoseconds as floating-point numbers, relative to a beginning that the holder
/// keeps; they become integers only where a decision compares them.
package struct Flight: Sendable {
    /// Where a batch is.
    package enum Phase: UInt8, Sendable {
        /// Copying to the device, or waiting for that; goes to `run`.
        case copyIn
        /// On the device; goes to `copyOut` or `landed`.
        case run
        /// Copying back, or waiting for that; goes to `landed`.
        case copyOut
        /// Between two stages: it has no slot and disturbs nobody. Goes to any of the above.
        case held
        /// At its end.
        case landed
    }

    /// The batch's place in the core; -1 = one that is only considered.
    package var batch: Int32 = -1
    /// The row of the forecast that speaks of it, and its items.
    package var row: Int32 = -1, items: Int32 = 0
    /// The gpulet that it runs on.
    package var gpulet: Int32 = -1
    /// Its model.
    package var model = ModelID(0)
    /// Its class.
    package var isHigh = false
    /// Where it is.
    package var phase = Phase.copyIn
    /// Whether it goes stage by stage, as the policy says, or all the way by itself.
    package var isStaged = false
    /// Its turn among the copies of one direction.
    package var order: Int64 = 0
    /// What is left of the set-up of its present copy, and of that copy's bytes.
    package var setup = 0.0, bytes = 0.0
    /// The bytes to copy in the same direction after the present copy.
    package var ahead = 0.0
    /// The size of its copies; beyond any = all at once.
    package var chunk = Double.infinity
    /// The bytes to copy back when it has run.
    package var outBytes = 0.0
    /// What is left of its run if it were alone, and of that at the end of the present stage.
    package var work = 0.0, workAfterStage = 0.0
    /// The whole of its run if it were alone.
    package var solo = 0.0
    /// Its rate of progress while it runs, 0...1.
    package var rate = 1.0
    /// What it presses the device with.
    package var pressure = Pressure.none
    /// The least deadline among its requests, in absolute nanoseconds.
    package var deadline = Int64.max
    /// What was added to its forecast for safety when it was launched, as a part of it.
    package var margin = 0.0
    /// When its run begins and ends, and when it is through; forecasts fill these in.
    package var runBegins = 0.0, runEnds = 0.0, finish = 0.0

    /// Nothing on its way.
    package init() {}

    /// Whether it waits for, or is in, a copy that has something left.
    @inline(__always)
    var isCopying: Bool {
        (phase == .copyIn || phase == .copyOut) && (setup > 0 || bytes > 0)
    }

    /// Whether it costs a batch on the same device something.
    ///
    /// - Parameters:
    ///   - isHigh: Whether that batch is of class high.
    ///   - preemptsLow: Whether low batches cost high ones nothing there.
    @inline(__always)
    package func presses(_ isHigh: Bool, _ preemptsLow: Bool) -> Bool {
        phase != .held && (self.isHigh || !(isHigh && preemptsLow))
    }

    /// Begins a copy of `total` bytes, the first chunk of it first.
    mutating func beginCopy(_ total: Double, setup: Double, order: Int64) {
        bytes = min(total, chunk)
        ahead = total - bytes
        self.setup = setup
        self.order = order
    }
}

/// What is known of a batch that flies beside its course: sums for learning, and what was
/// predicted.
struct FlightLog: Sendable {
    /// The integrals of the features of contention over its run, and how long that was.
    var integrals = Features(repeating: 0)
    var ran = 0.0
    /// What its ended stages took in all, and the run's part of that.
    var busy: Int64 = 0, running: Int64 = 0
    /// When the prediction was made; below 0 = there is none.
    var predictedAt: Int64 = -1
    /// What it said: the beginning and the end of the run and the finish, in absolute nanoseconds.
    var runBegins: Int64 = 0, runEnds: Int64 = 0, finish: Int64 = 0
    /// How many ran or were to run beside it then, at most 3.
    var company = 0
    /// The features at that moment, for the comparison with what came.
    var snapshot = Features(repeating: 0)
    /// Whether another copy was under way while it copied in.
    var hadRivalCopy = false
}
