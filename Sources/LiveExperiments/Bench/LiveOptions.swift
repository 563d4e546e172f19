/// What a run of live experiments is told.
public struct LiveOptions: Sendable {
    /// What to do, in this order.
    public var parts: [LivePart] = LivePart.allCases
    /// The systems of part a in turn; the two that its claim compares are measured one right after
    /// the other, since a shared machine is another one some minutes later.
    public var systems = ["temporal", "gpulets", "triton", "confluence"]
    /// How long everything takes.
    public var pace = LivePace.whole
    /// The seed of arrivals.
    public var seed: UInt64 = 1
    /// The `sluice` that serves: an executable with the commands `serve` and `profile`.
    public var executable: String
    /// ONNX Runtime's library; nil = found by itself.
    public var library: String?
    /// Packages of a real Triton in its Python-backend form; nil = none beside ours.
    public var triton: String?
    /// Told what goes on, one line at a time.
    public var progress: @Sendable (String) -> Void = { _ in }

    /// Creates options with the defaults above.
    public init(executable: String) { self.executable = executable }
}
