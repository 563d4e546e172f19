public import ServingDomain

/// A kind of device whose latencies can be guessed: published constants, and what was calibrated.
///
/// `Docs/CALIBRATION.md` lists every constant with its source, and the error against every
/// measurement that is known. Presets are the ground truth of simulations (as profiles, passed by
/// value) and the planner's estimates for networks that were never measured.
public struct DevicePreset: Hashable, Sendable {
    /// The kind, as files and flags name it: `rtx-2080ti`.
    public var kind: String
    /// What the roofline needs.
    public var machine: Machine
    /// The device itself; its id is 0 and its name the kind.
    public var device: DeviceSpec
    /// The batches that profiles have rows for, ascending.
    public var batches: [Int32]
    /// From the order to load an instance until it answers, with nothing loaded.
    public var coldStart: TimeSpan
    /// The same with the weights on the device.
    public var warmStart: TimeSpan
    /// Whether gpu-lets' nine networks are scaled to their published objectives.
    public var isCalibrated: Bool
    /// Where the constants come from, one line each.
    public var sources: [String]

    /// The device with another number and name, split as finely as wanted.
    ///
    /// - Parameter grain: Shares are multiples of this many units and as many gpulets as fit may
    ///   be made; nil = the shares and the limit that the papers have.
    public func device(id: DeviceID, name: String, grain: Int32? = nil) -> DeviceSpec {
        var device = device
        device.id = id
        device.name = name
        if let grain {
            device.grain = grain
            device.shares = []
            device.maxGpulets = 0
        }
        return device
    }

    /// The processors behind `units` of the device; MPS rounds up (platform notes, F.1).
    public func processors(units: Int32) -> Int32 {
        let product = Int64(units) * Int64(machine.processors)
        let whole = Int64(device.units)
        return Int32(max(1, (product + whole - 1) / whole))
    }

    /// Finds a preset by its kind.
    ///
    /// - Throws: `PlanError` naming the nearest kind, and what there is.
    public static func named(_ kind: String) throws(PlanError) -> DevicePreset {
        guard let found = all.first(where: { $0.kind == kind }) else {
            throw PlanError(
                OptionedName.unknown("device preset", kind, known: all.map(\.kind))
            )
        }
        return found
    }
}

/// What experiments turn to show how much a result depends on the calibration.
public struct PresetKnobs: Hashable, Sendable {
    /// Where the time goes that gpu-lets' objectives leave beyond the roofline's guess.
    public enum Joining: String, Hashable, Sendable {
        /// Into the kernels: one factor on all of the roofline's time.
        case inKernels
        /// Into joining the inputs on the host, as published; the factor scales only the rest.
        case onHost
    }

    /// Multiplies the thread blocks of every kernel.
    public var occupancy: Double
    /// Multiplies what running beside others costs beyond 1.
    public var contention: Double
    /// Where calibrated time goes.
    public var joining: Joining

    /// Sets the knobs; the defaults are the calibrated values.
    public init(occupancy: Double = 1, contention: Double = 1, joining: Joining = .inKernels) {
        precondition(occupancy > 0 && contention >= 0)
        self.occupancy = occupancy
        self.contention = contention
        self.joining = joining
    }

    /// The nine settings over which headlines are given as ranges, the calibrated one first.
    public static let range: [PresetKnobs] = [1, 0.5, 2].flatMap { occupancy in
        [1, 0, 2].map { PresetKnobs(occupancy: occupancy, contention: $0) }
    }
}
