/// Every capacity of the repository. What is beyond is refused with a line that names the limit.
public struct RepositoryLimits: Hashable, Sendable {
    /// Bytes of a configuration.
    public var configBytes = 1 << 20
    /// Messages inside messages in a configuration.
    public var configDepth = 32
    /// Values in a configuration.
    public var configValues = 100_000
    /// Models over all repositories.
    public var models = 4_096
    /// Entries of one folder that are looked at.
    public var folderEntries = 4_096
    /// Versions that one model may serve at once.
    public var versions = 64
    /// Inputs, and as many outputs, of one model.
    public var tensors = 1_024
    /// Dimensions of a tensor.
    public var dims = 16
    /// Items in one batch; the core holds no more.
    public var batch: Int64 = 1_024
    /// Instances of one model; a lane holds no more.
    public var instances: Int64 = 64
    /// Priority levels of one model; the core holds no more.
    public var levels: UInt64 = 16
    /// Bytes of a label file.
    public var labelBytes = 16 << 20
    /// Entries of `model_warmup`.
    public var warmups = 64
    /// Bytes of all warm-up tensors of one model, one row each.
    public var warmupBytes = 256 << 20
    /// Runs of one warm-up entry.
    public var warmupRuns: Int64 = 1_000
    /// Files that a load request may bring.
    public var overrideFiles = 64
    /// Bytes of all files that a load request brings.
    public var overrideBytes = 2 << 30

    /// The limits of a server as it is installed.
    public init() {}

    var text: TextLimits {
        TextLimits(bytes: configBytes, depth: configDepth, values: configValues)
    }
}
