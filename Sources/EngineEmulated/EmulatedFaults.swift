public import ServingDomain

/// What an emulated model does wrong, on purpose.
public struct EmulatedFaults: Hashable, Sendable {
    /// Loading fails.
    public var load: Bool
    /// Making an instance fails.
    public var instance: Bool
    /// The first run of every instance fails.
    public var warm: Bool
    /// Every run whose number, counted from 1 over all instances, divides by this fails; 0 = none.
    public var every: Int
    /// Every run on this device fails as on one that is gone; nil = none.
    public var lost: DeviceID?

    /// Creates faults; the default is none.
    public init(
        load: Bool = false,
        instance: Bool = false,
        warm: Bool = false,
        every: Int = 0,
        lost: DeviceID? = nil
    ) {
        precondition(every >= 0)
        self.load = load
        self.instance = instance
        self.warm = warm
        self.every = every
        self.lost = lost
    }
}
