public import ServerCore
public import ServingDomain

/// What a runtime is told once, when it is made.
public struct RuntimeConfiguration: Sendable {
    /// Devices, policy, scaler, planner and limits.
    public var core: CoreConfiguration
    /// By device: the system's numbers of its units, such as CPU cores.
    public var unitNumbers: [[Int32]]
    /// How models are loaded and unloaded.
    public var control = ModelControl.all
    /// Whether the server is only ready when every model is.
    public var strictReadiness = true
    /// Where the journal goes; nil = none is kept.
    public var journalPath: String?
    /// Where trace lines go; empty = tracing can't be switched on.
    public var traceFile = ""
    /// Whether clients may register shared memory.
    public var allowsSharedMemory = false
    /// A lone request expected to take less runs on the thread that submits it; zero = none does.
    public var inlineBelow = TimeSpan.zero
    /// Whether low-priority batches on the CPU run only on cores that high ones leave, once there
    /// is high work, where the process may do that.
    public var lowGivesWay = false
    /// What is known of models beforehand; nil = nothing. Only planners by demand ask for it.
    public var knowledge: (any ModelKnowledge)?
    /// Whether what planners know by guess is measured in idle time (`IdleProfiler`).
    public var profilesInIdleTime = false
    /// Answers in place of the planner that is named, for tests of layouts: nil = there is no plan.
    package var planned: (@Sendable (PlanInputs) -> Plan?)?
    /// How the build calls itself in the journal's header.
    public var build = "development"

    /// When models are loaded and unloaded (Triton's model control modes).
    public enum ModelControl: Sendable {
        /// All at the start, none later.
        case all
        /// These at the start (`*` = all), others when clients ask.
        case explicit([String])
        /// All at the start; the source is looked at again every so often.
        case poll(every: TimeSpan)
    }

    /// Creates a configuration.
    public init(core: CoreConfiguration, unitNumbers: [[Int32]]) {
        self.core = core
        self.unitNumbers = unitNumbers
    }

    /// Lets low-priority batches run only on cores that high ones leave, and tells the core so of
    /// every device whose batches are the host's own threads.
    ///
    /// - Returns: False where the process may not do that; nothing is changed then.
    public mutating func letLowGiveWay() -> Bool {
        guard ClassUrgency.mayTakeBack else { return false }
        lowGivesWay = true
        for place in core.devices.indices where core.devices[place].copyEngines == 0 {
            core.devices[place].preemptsLow = true
        }
        return true
    }

    /// One device: the CPU cores that this process may use.
    public static func host(policy: String = "edf") -> RuntimeConfiguration {
        let cores = HostCores.available()
        let device = DeviceSpec(
            id: DeviceID(0),
            name: "cpu0",
            kind: "cpu",
            units: Int32(cores.count)
        )
        return RuntimeConfiguration(
            core: CoreConfiguration(devices: [device], policy: policy),
            unitNumbers: [cores]
        )
    }
}
