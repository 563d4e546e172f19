import ServingDomain
import Workloads

/// One model's part of a running load.
struct LoadLane {
    let model: ModelLoad
    let request: PreparedRequest
    var ledger = LoadLedger()
    private var arrivals: Arrivals
    /// The next intended send time, in nanoseconds from the start; nil when there is none.
    private(set) var upcoming: Int64?
    /// Clients of a closed loop that wait for a connection to be worth trying again.
    var restingClients = 0

    init(_ model: ModelLoad, request: PreparedRequest, seed: UInt64, stream: Int) {
        self.model = model
        self.request = request
        arrivals = Arrivals(model.process, seed: seed, stream: UInt64(stream))
        upcoming = arrivals.next()?.nanoseconds
    }

    /// Whether a client sends as soon as it has its answer.
    var isClosed: Bool { model.process.clients != nil }

    /// Moves on to the next intended send time.
    mutating func advance() { upcoming = arrivals.next()?.nanoseconds }
}
