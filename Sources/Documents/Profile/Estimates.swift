public import ServingDomain

/// What may stand in for files that nobody wrote: descriptions of kinds of devices and latencies
/// that were never measured. This room knows none; whoever has device models hands them in.
public struct Estimates: Sendable {
    /// A model that was never measured.
    public struct Model: Hashable, Sendable {
        /// Its latencies and what goes with them.
        public var profile: DeviceProfile
        /// Bytes of one item's inputs and outputs.
        public var inputBytes: Int64, outputBytes: Int64

        /// Creates an estimate.
        public init(profile: DeviceProfile, inputBytes: Int64, outputBytes: Int64) {
            self.profile = profile
            self.inputBytes = inputBytes
            self.outputBytes = outputBytes
        }
    }

    /// Descriptions for kinds that no file describes.
    public var kinds: [DeviceDescription]
    /// What a model of some name might do on a device; nil where there is no telling.
    public var model: @Sendable (_ name: String, _ device: DeviceSpec) -> Model?

    /// Creates estimates.
    public init(
        kinds: [DeviceDescription],
        model: @escaping @Sendable (_ name: String, _ device: DeviceSpec) -> Model?
    ) {
        self.kinds = kinds
        self.model = model
    }

    /// Nothing may stand in.
    public static let none = Estimates(kinds: []) { _, _ in nil }
}
