/// A processor as the roofline sees it: a few published peaks, and how far software gets to them.
///
/// `Docs/CALIBRATION.md` names the source of every constant that a preset fills in.
public struct Machine: Hashable, Sendable {
    /// How a network's operations become kernels.
    public enum Execution: String, Hashable, Sendable {
        /// Operation by operation, as PyTorch and TensorFlow 1 run: a bias or normalisation
        /// behind a convolution is one more pass.
        case eager
        /// As TensorRT and ONNX Runtime run: biases, normalisations, activations and sums are
        /// done by the kernel before them.
        case fused
    }

    /// Streaming multiprocessors, or cores.
    public var processors: Int32
    /// Peak of dense products in the precision that is used, in TFLOP/s, over all processors.
    public var teraflops: Double
    /// Peak memory bandwidth, in GB/s.
    public var memoryGBps: Double
    /// The part of the processors that already saturates the memory, 0...1 (Little's law: a
    /// processor has only so many reads under way).
    public var memoryShare: Double
    /// What each kernel takes beside its work, in microseconds.
    public var launchMicroseconds: Double
    /// Bytes of a value: 4 or 2.
    public var valueBytes: Int32
    /// How operations become kernels.
    public var execution: Execution
    /// How far software gets.
    public var software: Software

    /// How far kernels get to the peaks, and how they cut their work into blocks.
    public struct Software: Hashable, Sendable {
        /// The part of the peak that dense convolutions and products reach when they fill all.
        public var denseEfficiency: Double
        /// The same of depthwise convolutions.
        public var depthwiseEfficiency: Double
        /// How much less arithmetic 3 x 3 convolutions need: 2.25 with Winograd's F(2 x 2), 1
        /// without.
        public var winogradGain: Double
        /// The part of the memory bandwidth that kernels reach.
        public var memoryEfficiency: Double
        /// Outputs that one block of a dense kernel computes.
        public var denseBlock: Double
        /// Blocks of a dense kernel that a processor runs at once.
        public var denseResidents: Double
        /// The shortest sum that convolutions still cut into several blocks where there are too
        /// few.
        public var shortestSum: Double
        /// The same of matrix products, which libraries cut more finely.
        public var shortestProductSum: Double
        /// Outputs that one block of any other kernel computes.
        public var lightBlock: Double
        /// Blocks of any other kernel that a processor runs at once.
        public var lightResidents: Double

        /// Creates the constants.
        public init(
            denseEfficiency: Double,
            depthwiseEfficiency: Double,
            winogradGain: Double,
            memoryEfficiency: Double,
            denseBlock: Double,
            denseResidents: Double,
            shortestSum: Double,
            shortestProductSum: Double,
            lightBlock: Double,
            lightResidents: Double
        ) {
            self.denseEfficiency = denseEfficiency
            self.depthwiseEfficiency = depthwiseEfficiency
            self.winogradGain = winogradGain
            self.memoryEfficiency = memoryEfficiency
            self.denseBlock = denseBlock
            self.denseResidents = denseResidents
            self.shortestSum = shortestSum
            self.shortestProductSum = shortestProductSum
            self.lightBlock = lightBlock
            self.lightResidents = lightResidents
        }
    }

    /// Creates a machine.
    public init(
        processors: Int32,
        teraflops: Double,
        memoryGBps: Double,
        memoryShare: Double,
        launchMicroseconds: Double,
        valueBytes: Int32,
        execution: Execution,
        software: Software
    ) {
        precondition(processors >= 1 && teraflops > 0 && memoryGBps > 0)
        precondition(memoryShare > 0 && memoryShare <= 1 && launchMicroseconds >= 0)
        precondition(valueBytes == 4 || valueBytes == 2)
        self.processors = processors
        self.teraflops = teraflops
        self.memoryGBps = memoryGBps
        self.memoryShare = memoryShare
        self.launchMicroseconds = launchMicroseconds
        self.valueBytes = valueBytes
        self.execution = execution
        self.software = software
    }
}
