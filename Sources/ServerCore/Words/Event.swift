public import ServingDomain

/// A fact that a driver tells the core. Facts carry plain values only, so that they can be
/// compared, journalled and replayed.
public enum Event: Hashable, Sendable {
    /// A request came in.
    case arrived(Arrival)
    /// The client of a request went away.
    case cancelled(RequestID)
    /// A stage that was not a batch's last ended.
    case stageFinished(BatchID, StageTimes)
    /// The last stage of a batch ended; the results are in the requests' slots.
    case batchFinished(BatchID, StageTimes)
    /// The engine failed, or ended early because of `terminate`.
    case batchFailed(BatchID)
    /// The lane thread came to the launch after its `latest`; nothing has run.
    case batchRefused(BatchID)
    /// An instance is loaded and warm; what its warm-up measured comes along.
    case instanceReady(InstanceID, [LatencySurface.Point])
    /// An instance has stopped, or could not start.
    case instanceGone(InstanceID, InstanceEnd)
    /// A model's files are loaded; requests for it may come.
    indirect case modelAdded(ModelSpec)
    /// A model's rules, objective or surface changed; its files did not.
    indirect case modelChanged(ModelSpec)
    /// Latencies of a model on a kind of device were measured beside the serving, in idle time.
    case measured(ModelID, kind: String, [LatencySurface.Point])
    /// A model is to go: what waits is finished, nothing new is admitted.
    case modelRemoved(ModelID)
    /// A device does not answer any more.
    case deviceLost(DeviceID)
    /// A lost device is there again.
    case deviceBack(DeviceID)
    /// The planner has a plan.
    indirect case planReady(Epoch, Plan)
    /// The planner has none; the old plan stays.
    case planFailed(Epoch)
    /// A step of a rollout is done.
    case stepDone(Epoch, RolloutStep)
    /// A step of a rollout failed.
    case stepFailed(Epoch, RolloutStep)
    /// The server is going down: finish what is here, admit nothing.
    case drainBegan
    /// The time that `nextWake` asked for has come (early or late is harmless).
    case wake
}

/// How an instance ended.
public enum InstanceEnd: UInt8, Hashable, Sendable {
    /// As ordered.
    case stopped
    /// It could not be loaded or warmed, or its thread died.
    case failed
}

/// One step from the old layout to the new; a driver reports each before it gets the next.
public enum RolloutStep: Hashable, Sendable {
    /// Give a new gpulet its units of a device.
    case open(GpuletID, DeviceID, units: Int32)
    /// Change the units of a gpulet that has drained.
    case pin(GpuletID, units: Int32)
    /// Take the units of a drained gpulet back.
    case close(GpuletID)
}
