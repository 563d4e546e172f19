import ServerCore
import ServingDomain

/// How eagerly a lane's batches run.
extension LaneThread {
    /// How the batch in the mailbox is to be run.
    var pace: WorkPace {
        driver.urgency.pace(
            isHigh: mailbox.isHigh,
            overtakes: mailbox.order?.overtakes == true
        )
    }

    /// Lets the engine run, behind high work if the batch is low. Only that: whoever holds the
    /// core's lock or has results to hand out must not wait for a core that high work has.
    func perform(
        _ stage: Stage,
        by instance: any EngineInstance
    ) throws(EngineError) -> StageTimes? {
        let pace = instance.computesOnCaller ? pace : .usual
        guard pace != .usual else { return try instance.perform(stage) }
        runPace.begin(pace)
        defer { if let raised = runPace.end() { stance.wasRaised(to: raised) } }
        return try instance.perform(stage)
    }

    /// Lets the present run, if it is a low one, go before other low ones. Any thread.
    func hasten() {
        let pace = driver.urgency.pace(isHigh: false, overtakes: true)
        // An instance stays as long as a run of it lasts.
        runPace.raise(to: pace) { instance?.setPace(pace) }
    }
}
