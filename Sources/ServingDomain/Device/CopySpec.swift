/// How data gets to a device and back: what its copy engines and its link can do.
public struct CopySpec: Hashable, Sendable {
    /// What every copy takes, however small.
    public var setup: TimeSpan
    /// The bandwidth of one direction, in bytes per second, at least 1.
    public var bytesPerSecond: Int64
    /// What is left of it while the other direction is busy too, in thousandths.
    public var bothWaysMilli: Int32
    /// Devices of the same number share one link to the host; -1 = its own.
    public var uplink: Int32
    /// The bandwidth of that link in one direction, in bytes per second; 0 = no limit.
    public var uplinkBytesPerSecond: Int64

    /// Creates a link.
    public init(
        setup: TimeSpan,
        bytesPerSecond: Int64,
        bothWaysMilli: Int32 = 1_000,
        uplink: Int32 = -1,
        uplinkBytesPerSecond: Int64 = 0
    ) {
        precondition(bytesPerSecond >= 1 && setup >= .zero && (1...1_000).contains(bothWaysMilli))
        self.setup = setup
        self.bytesPerSecond = bytesPerSecond
        self.bothWaysMilli = bothWaysMilli
        self.uplink = uplink
        self.uplinkBytesPerSecond = uplinkBytesPerSecond
    }

    /// What a copy of `bytes` takes by itself.
    public func time(bytes: Int64) -> TimeSpan {
        guard bytes > 0 else { return .zero }
        let nanoseconds = Double(bytes) / Double(bytesPerSecond) * 1e9
        return setup + TimeSpan(nanoseconds: Int64(min(nanoseconds, 9e18).rounded()))
    }
}
