import ServingDomain

/// Which devices were lost, and what that means for requests; none comes back before a restart.
struct DeviceLosses: Sendable {
    private var left: [DeviceID]
    private var names: [String] = []
    /// What the engine said of the device that was lost last.
    private var reason = ""

    init(_ devices: [DeviceSpec]) { left = devices.map(\.id) }

    /// How many were lost.
    var count: Int { names.count }

    /// Whether there were devices, and all of them were lost.
    var isTotal: Bool { left.isEmpty && count > 0 }

    /// Notes a loss; false when it was known, since each lane of the device may say so.
    mutating func note(_ device: DeviceSpec, _ reason: String) -> Bool {
        guard let place = left.firstIndex(of: device.id) else { return false }
        left.remove(at: place)
        names.append(device.name)
        self.reason = reason
        return true
    }

    /// Why requests end that waited when the last device was lost: one line for clients.
    var whyWaitingEnd: String {
        isTotal
            ? whyNothingRuns
            : "device \(names.last ?? "") was lost while the request waited, and its model had no "
                + "other place: \(reason); send it again, the model is planned elsewhere"
    }

    /// Why nothing is admitted any more: which devices were lost, what to do.
    var whyNothingRuns: String {
        let were = count == 1 ? "device \(names[0]) was" : "devices \(listed) were"
        return "\(were) lost and no device is left to run models: \(reason)"
    }

    private var listed: String { names.joined(separator: ", ") }
}
