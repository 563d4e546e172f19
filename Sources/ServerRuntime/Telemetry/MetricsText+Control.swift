import ServingDomain

/// What became of plans, layouts, lanes and devices, for those who watch over a server.
extension MetricsText {
    /// Counters of the control plane.
    mutating func writeControl(_ counts: ControlCounters.Counts) {
        let rows: [(String, String, String, UInt64)] = [
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
    }
}
