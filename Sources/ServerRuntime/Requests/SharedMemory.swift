/// Memory that clients share with the server (`system_shared_memory`); off unless asked for.
public final class SharedMemory: Sendable {
    /// A registered region.
    public struct Region: Hashable, Sendable {
        /// The name that requests use.
        public var name: String
        /// The name of the shared memory object, such as `/input0`.
        public var key: String
        /// Where the region begins in the object, in bytes.
        public var offset: UInt64
        /// How long it is, in bytes.
        public var byteSize: UInt64

        /// Creates the description of a region.
        public init(name: String, key: String, offset: UInt64, byteSize: UInt64) {
            self.name = name
            self.key = key
            self.offset = offset
            self.byteSize = byteSize
        }
    }

    /// A part of a region that stays mapped for as long as somebody holds it.
    public final class View: Sendable {
        /// The bytes, shared with the client.
        public var bytes: UnsafeMutableRawBufferPointer {
            UnsafeMutableRawBufferPointer(start: nil, count: 0)
        }

        init() {}
    }

    /// Why a region can't be had.
    public struct Failure: Error, Hashable, Sendable {
        /// The kinds that fronts answer differently.
        public enum Kind: UInt8, Hashable, Sendable { case disabled, unknown, exists, invalid }

        /// What kind of failure it is.
        public var kind: Kind
        /// One line: what, the limit, the next step.
        public var message: String
    }

    /// Maps a region under a name.
    public func register(_ region: Region) throws(Failure) {}

    /// Forgets a region, or all of them (nil); views of it stay valid.
    public func unregister(_ name: String?) throws(Failure) {}

    /// The regions by name, or the named one.
    public func regions(_ name: String?) throws(Failure) -> [Region] { [] }

    /// Part of a region, for one tensor.
    public func view(
        _ name: String,
        offset: UInt64,
        byteSize: UInt64
    ) throws(Failure) -> View {
        View()
    }

    init() {}
}
