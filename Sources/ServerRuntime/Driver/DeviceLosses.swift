import ServingDomain

/// Which devices are lost, and what that means for requests.
struct DeviceLosses: Sendable {
    private let all: Int
    private var lost: [DeviceSpec] = []
    /// What the engine said of the device that was lost last.
    private var reason = ""

    init(_ devices: [DeviceSpec]) { all = devices.count }

    /// Whether there were devices, and all of them are lost.
    var isTotal: Bool { all > 0 && lost.count == all }

    /// Notes a loss.
    mutating func note(_ device: DeviceSpec, _ reason: String) {
        if !lost.contains(where: { $0.id == device.id }) { lost.append(device) }
        self.reason = reason
    }

    /// The device is there again.
    mutating func forget(_ device: DeviceID) { lost.removeAll { $0.id == device } }

    /// Why requests end that waited when the last device was lost: one line for clients.
    var whyWaitingEnd: String {
        guard !isTotal else { return whyNothingRuns }
        let name = lost.last?.name ?? ""
        return "device \(name) was lost while the request waited, and its model had no other "
            + "place: \(reason); send it again, the model is planned elsewhere"
    }

    /// Why nothing is admitted any more: which devices were lost, what to do.
    var whyNothingRuns: String {
        let were = lost.count == 1 ? "device \(lost[0].name) was" : "devices \(listed) were"
        return "\(were) lost and no device is left to run models: \(reason)"
    }

    private var listed: String { lost.map(\.name).joined(separator: ", ") }
}
