package import ServingDomain

/// One model's seat on one gpulet.
package struct LaneRecord: Sendable {
    /// Whether the place is in use.
    package internal(set) var exists = false
    /// The model.
    package internal(set) var model = ModelID(0)
    /// The gpulet.
    package internal(set) var gpulet = GpuletID(0)
    /// The units that one of its batches runs on, anywhere on the gpulet; 0 = all of them,
    /// uncounted.
    package internal(set) var width: Int32 = 0
    /// The most items in a batch.
    package internal(set) var batchLimit: Int32 = 1
    /// Batches that may run at once; instances beyond that stand by, loaded and warm.
    package internal(set) var active = Int32.max
    /// What the plan said, and for how many units.
    package internal(set) var plannedBatch: Int32 = 0, plannedInstances: Int32 = 0
    package internal(set) var plannedUnits: Int32 = 0
    /// Whether the plan's setting rests on what a scaler had settled for this model before, so
    /// that the next search begins with it.
    package internal(set) var followsSettled = false
    /// How far a scaler may go.
    package internal(set) var batchCeiling: Int32 = 1, instanceCeiling: Int32 = 1
    /// How many instances it is to have; 0 once it is to go.
    package internal(set) var wanted: Int32 = 0
    /// Instances that can run a batch, are being loaded, are to stop.
    package internal(set) var ready: Int32 = 0, starting: Int32 = 0, stopping: Int32 = 0
    /// Instances that failed and are not tried again until something about the model changes, or
    /// the lane is made anew since it has none.
    package internal(set) var failed: Int32 = 0
    /// Instances that served and then died; only so many are replaced.
    var died: Int32 = 0
    /// Whether it takes no batches yet: its gpulet is to change its units first.
    package internal(set) var isDormant = false
    /// The planned rate in thousandths of a request per second.
    package internal(set) var milliRate: Int64 = 0
    /// Since when `served` counts.
    package internal(set) var since = Instant.zero
    /// Requests launched since then.
    package internal(set) var served: Int64 = 0
    /// The row of the forecast that speaks of it.
    package internal(set) var row: Int32 = -1
    /// Which seats have an instance, and which of them could take a batch now.
    var seated: UInt64 = 0, idle: UInt64 = 0
    /// Whether it is among its gpulet's lanes that could start a batch, by class.
    var listedHigh = false, listedLow = false
    /// The next lane of the same model, and of the same gpulet; -1 = none.
    var nextOfModel: Int32 = -1, nextOfGpulet: Int32 = -1

    /// Instances that exist in any state.
    package var instances: Int32 { ready + starting + stopping }

    /// Whether an instance could take a batch now: one is idle, not as many run as may, and the
    /// lane does not sleep.
    package var hasFreeInstance: Bool {
        idle != 0 && !isDormant && ready - Int32(truncatingIfNeeded: idle.nonzeroBitCount) < active
    }

    /// The units that its batches run on where the gpulet has so many.
    func units(of gpulet: Int32) -> Int32 { width > 0 ? min(width, gpulet) : gpulet }

    /// How far a scaler may go with its instances. With a width they are there to use the units,
    /// not to be steered.
    func steeredCeiling(_ most: Int32) -> Int32 { width > 0 ? 1 : min(instanceCeiling, most) }

    /// Whether it is what a plan means by `placement`, on its gpulet.
    func isSeat(of placement: Plan.LanePlacement) -> Bool {
        model == placement.model && width == placement.width ?? 0
    }

    /// Whether a plan gives `other` the same setting.
    func isPlanned(as other: LaneRecord) -> Bool {
        plannedBatch == other.plannedBatch && plannedInstances == other.plannedInstances
    }

    /// Whether the plan asks for what a scaler has settled on already.
    var isPlannedAsSettled: Bool {
        plannedBatch == batchLimit && plannedInstances == min(wanted, active)
    }

    /// How far it is behind its planned rate at `now`, in thousandths of a request.
    package func arrears(at now: Instant) -> Int64 {
        let micros = max(0, (now - since).nanoseconds) / 1_000
        let due = milliRate.multipliedReportingOverflow(by: micros)
        return (due.overflow ? .max / 2 : due.partialValue) / 1_000_000 - served &* 1_000
    }
}

/// A part of a device.
package struct GpuletRecord: Sendable {
    /// Where a gpulet stands.
    package enum State: UInt8, Sendable {
        /// The place is not in use; goes to `opening`.
        case free
        /// Its step has been sent; goes to `open` or `free`.
        case opening
        /// Batches may start; goes to `draining` or `lost`.
        case open
        /// No batch starts; what runs is finished. Goes to `open`, `lost` or `free`.
        case draining
        /// Its device does not answer; goes to `free`.
        case lost
    }

    /// Where the gpulet stands.
    package internal(set) var state = State.free
    /// Its device.
    package internal(set) var device = DeviceID(0)
    /// Its size in device units.
    package internal(set) var units: Int32 = 0
    /// Batches that may run on it at once.
    package internal(set) var slots: Int32 = 1
    /// Stages that run on it.
    package internal(set) var running: Int32 = 0
    /// Those of them whose batches are of class high.
    package internal(set) var runningHigh: Int32 = 0
    /// The units that running batches of lanes with a width have, by class.
    package internal(set) var busyHigh: Int32 = 0, busyLow: Int32 = 0
    /// The first deadline of the low batches among them, and that up to which they have all units.
    package internal(set) var firstDue = Instant.distantFuture, lastDue = Instant.distantFuture
    /// Whether a class has all units whatever the other does: low batches give way to high ones.
    package internal(set) var countsApart = false
    /// The time that gives each lane one turn; nil where nothing takes turns.
    package internal(set) var dutyCycle: TimeSpan?
    /// Its lanes with work, a free instance and class high or low, by their queues' heads.
    /// Nodes are 2 x lane + class.
    package internal(set) var readyHigh = OrderedForest.Tree(), readyLow = OrderedForest.Tree()
    /// The first of its lanes; -1 = none.
    var firstLane: Int32 = -1

    /// Whether its units are taken from its device.
    package var isLive: Bool { state != .free }

    /// Whether a batch of a class may start: batches of lanes with a width leave a unit free. The
    /// last to start may want more than is left, so that nobody who is wide waits for ever.
    func hasUnits(for priority: PriorityClass) -> Bool {
        let high = countsApart && priority == .low ? 0 : busyHigh
        let low = countsApart && priority == .high ? 0 : busyLow
        return high &+ low < units
    }

    /// Whether a low batch may start beside those that have all units, if it is due before some of
    /// them: the cores then take it before those, as they take high ones before all.
    var mayOvertake: Bool { countsApart && busyLow < units &* 2 }

    /// Whether a batch of any class may start now, if its deadline allows it.
    var isCandidate: Bool {
        guard state == .open, running < slots else { return false }
        return !readyHigh.isEmpty && hasUnits(for: .high)
            || !readyLow.isEmpty && (hasUnits(for: .low) || mayOvertake)
    }

    /// Takes note of a stage that begins or ends; `change` is 1 or -1.
    mutating func count(_ change: Int32, width: Int32, of batch: BatchRecord) {
        running += change
        if batch.isHigh {
            runningHigh += change
            busyHigh += change * width
        } else {
            busyLow += change * width
        }
    }
}

/// One engine instance of a lane.
package struct InstanceRecord: Sendable {
    /// Where an instance stands.
    package enum State: UInt8, Sendable {
        /// The number is not in use; goes to `starting`.
        case free
        /// Being loaded and warmed; goes to `ready`, `stopping` or `free`.
        case starting
        /// Runs batches; goes to `stopping`, `abandoned` or `free`.
        case ready
        /// To end after its batch; goes to `abandoned` or `free`.
        case stopping
        /// Its engine does not come back: it has no lane any more; goes to `free`.
        case abandoned
    }

    /// Where the instance stands.
    package internal(set) var state = State.free
    /// Its lane.
    package internal(set) var lane = LaneID(0)
    /// Its seat in the lane.
    var seat: Int32 = 0
    /// The largest batch that it was started for.
    package internal(set) var batchLimit: Int32 = 1
    /// The place of the batch that it has; -1 = none.
    package internal(set) var batch: Int32 = -1

    /// Whether `lane` says where it is.
    var hasLane: Bool { state != .free && state != .abandoned }
}
