/// Which GPUs are to be used, and through which libraries.
public struct GPURequest: Hashable, Sendable {
    /// The GPUs wanted.
    public enum Selection: Hashable, Sendable {
        /// Those that are there; without any the CPU serves.
        case auto
        /// None: the CPU serves.
        case none
        /// These, by the driver's numbers; it is an error when one is not there.
        case listed([Int32])
    }

    /// The GPUs wanted.
    public var selection: Selection
    /// The path of the driver's library; nil = where the system has it.
    public var driver: String?
    /// Whether models run with ONNX Runtime's CPU provider on what the driver calls the GPU's
    /// memory: right only with a driver whose devices' memory is the host's, as in tests.
    public var runsOnHost: Bool
    /// Whether batches of fixed shapes run as CUDA graphs, captured at warm-up.
    public var cudaGraphs: Bool

    /// Creates a request.
    public init(
        _ selection: Selection,
        driver: String? = nil,
        runsOnHost: Bool = false,
        cudaGraphs: Bool = false
    ) {
        self.selection = selection
        self.driver = driver
        self.runsOnHost = runsOnHost
        self.cudaGraphs = cudaGraphs
    }

    /// Reads `auto`, `none` or numbers such as `0,2`; nil where it is none of these.
    public static func selection(_ text: String) -> Selection? {
        switch text {
        case "auto": return .auto
        case "none": return Selection.none
        default:
            let numbers = text.split(separator: ",", omittingEmptySubsequences: false)
                .map { Int32($0) }
            let found = numbers.compactMap { $0 }.filter { $0 >= 0 }
            guard found.count == numbers.count, Set(found).count == found.count else { return nil }
            return .listed(found)
        }
    }
}
