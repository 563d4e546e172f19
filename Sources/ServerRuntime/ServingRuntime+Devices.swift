import Logging
import ServerCore
public import ServingDomain

extension ServingRuntime {
    /// A device and whether it is planned for.
    public struct DeviceStatus: Sendable {
        /// The device.
        public var spec: DeviceSpec
        /// Whether it is there; a lost one runs nothing.
        public var isPresent: Bool
    }

    /// All devices that the server began with.
    public var devices: [DeviceStatus] {
        configuration.core.devices.map {
            DeviceStatus(spec: $0, isPresent: driver.isPresent($0.id))
        }
    }

    /// Takes a device out of the plan with all that runs there, as if it had been lost, or says
    /// that one that was lost answers again: it is planned for from now on. What is so already
    /// stays so.
    ///
    /// - Returns: Whether there is such a device.
    public func setDevice(named name: String, isPresent: Bool) -> Bool {
        guard let device = configuration.core.devices.first(where: { $0.name == name })
        else { return false }
        guard isPresent != driver.isPresent(device.id) else { return true }
        if isPresent {
            logger.notice("device \(name) is back and is planned for again")
            driver.back(device.id)
        } else {
            driver.lost(device, "it was taken out by an operator")
        }
        return true
    }
}
