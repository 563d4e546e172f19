import ServerCore
import ServingDomain

/// How lanes stand, and what became of plans, layouts and devices, for those who watch over a
/// server (Docs/METRICS.md).
extension MetricsText {
    /// Counters of the control plane.
    mutating func writeControl(_ counts: ControlCounters.Counts) {
        let rows: [(String, String, String, UInt64)] = [
            ("sluice_plans_total", "counter", "Plans made", counts.plans),
            (
                "sluice_plans_refused_total", "counter",
                "Plans that the planner could not make; the old one stayed",
                counts.plansRefused
            ),
            (
                "sluice_rollouts_failed_total", "counter",
                "Rollouts that a failed step has ended; the old layout stayed",
                counts.rolloutsFailed
            ),
            (
                "sluice_memory_waits_total", "counter",
                "Times that an instance began to wait for memory that others hold",
                counts.memoryWaits
            ),
            (
                "sluice_abandoned_instances_total", "counter",
                "Instances given up because their engine did not end a batch",
                counts.abandonedInstances
            ),
            (
                "sluice_hung_instances", "gauge", "Instances given up that have not come back",
                counts.hungInstances
            ),
            ("sluice_devices_lost_total", "counter", "Devices lost", counts.devicesLost),
        ]
        for (name, kind, help, value) in rows {
            family(name, kind, help)
            line(name, Double(value))
        }
        family("sluice_planning_seconds", "summary", "What making a plan took")
        line("sluice_planning_seconds_sum", counts.planning.inSeconds)
        line("sluice_planning_seconds_count", Double(counts.plans + counts.plansRefused))
    }

    /// One line per lane and family; `labels` names a lane.
    mutating func writeLanes(_ lanes: [(labels: String, share: Double, status: LaneStatus)]) {
        family("sluice_lane_batch_limit", "gauge", "The most items in a batch of the lane")
        for lane in lanes {
            line("sluice_lane_batch_limit{\(lane.labels)}", Double(lane.status.batchLimit))
        }
        family("sluice_lane_instances", "gauge", "Instances of the lane, wanted and ready")
        for lane in lanes {
            let (wanted, ready) = (Double(lane.status.wanted), Double(lane.status.ready))
            line("sluice_lane_instances{\(lane.labels),state=\"wanted\"}", wanted)
            line("sluice_lane_instances{\(lane.labels),state=\"ready\"}", ready)
        }
        family("sluice_lane_share", "gauge", "The gpulet's part of its device, in per cent")
        for lane in lanes { line("sluice_lane_share{\(lane.labels)}", lane.share) }
    }

    /// The lanes with the names of their models and devices; lanes of models that have gone are
    /// left out.
    static func named(
        _ lanes: [LaneStatus],
        _ devices: [DeviceSpec],
        _ spec: (ModelID) -> ModelSpec?
    ) -> [(labels: String, share: Double, status: LaneStatus)] {
        lanes.compactMap { status in
            guard let model = spec(status.model) else { return nil }
            let device = devices[status.device.position]
            let labels =
                "model=\"\(escape(model.name))\",version=\"\(model.version)\","
                + "device=\"\(escape(device.name))\",gpulet=\"\(status.gpulet.index)\""
            return (labels, 100 * device.fraction(of: status.units), status)
        }
    }
}
