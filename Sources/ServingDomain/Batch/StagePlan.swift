/// How a batch is cut into stages: chunks of its inputs, segments of its run, chunks of its
/// outputs.
///
/// Core, engines and simulator read the same plan, so that they agree which bytes a chunk has and
/// which stage is a batch's last. Chunks are small (design, section 1: 1-4 MiB), so that a copy
/// that matters more waits for little.
public struct StagePlan: Hashable, Sendable {
    /// The size of every chunk but a copy's last, in bytes.
    public static let chunkBytes: Int64 = 2 << 20

    /// All bytes of the inputs and of the outputs.
    public let inputBytes: Int64, outputBytes: Int64
    /// Chunks of the copy to the device and back; 0 where nothing moves.
    public let chunksIn: Int32, chunksOut: Int32
    /// Pieces that the run may be cut into, at least 1.
    public let segments: Int32

    /// The plan of a batch.
    ///
    /// - Parameters:
    ///   - inputBytes: What its inputs have together; nothing moves below 1.
    ///   - outputBytes: The same of its outputs.
    ///   - segments: Pieces that the engine can cut its run into.
    ///   - copyEngines: Those of its device; without any, nothing moves.
    public init(inputBytes: Int64, outputBytes: Int64, segments: Int32, copyEngines: Int32) {
        self.inputBytes = copyEngines > 0 ? max(0, inputBytes) : 0
        self.outputBytes = copyEngines > 0 ? max(0, outputBytes) : 0
        chunksIn = Self.chunks(of: self.inputBytes)
        chunksOut = Self.chunks(of: self.outputBytes)
        self.segments = max(1, segments)
    }

    /// The first stage of a batch that goes step by step, `stride` segments at a time.
    public func first(stride: Int32) -> Stage {
        chunksIn > 0 ? .copyIn(chunk: 0) : .run(segments: 0..<min(max(1, stride), segments))
    }

    /// What follows `stage`; nil after a batch's last.
    public func next(after stage: Stage, stride: Int32) -> Stage? {
        switch stage {
        case .whole: return nil
        case .copyIn(let chunk):
            if chunk + 1 < chunksIn { return .copyIn(chunk: chunk + 1) }
            return .run(segments: 0..<min(max(1, stride), segments))
        case .run(let part):
            guard part.upperBound < segments else {
                return chunksOut > 0 ? .copyOut(chunk: 0) : nil
            }
            let end = part.upperBound.addingReportingOverflow(max(1, stride))
            return .run(
                segments: part.upperBound..<min(end.overflow ? .max : end.partialValue, segments)
            )
        case .copyOut(let chunk):
            return chunk + 1 < chunksOut ? .copyOut(chunk: chunk + 1) : nil
        }
    }

    /// Whether the batch has ended when `stage` has.
    public func isLast(_ stage: Stage) -> Bool { next(after: stage, stride: 1) == nil }

    /// The bytes that a copying stage moves; those of all inputs for `whole`, none for a run.
    public func bytes(of stage: Stage) -> Int64 {
        switch stage {
        case .whole: inputBytes
        case .run: 0
        case .copyIn(let chunk): Self.size(of: chunk, in: inputBytes)
        case .copyOut(let chunk): Self.size(of: chunk, in: outputBytes)
        }
    }

    private static func chunks(of bytes: Int64) -> Int32 {
        Int32(clamping: (bytes + chunkBytes - 1) / chunkBytes)
    }

    private static func size(of chunk: Int32, in bytes: Int64) -> Int64 {
        max(0, min(chunkBytes, bytes - Int64(chunk) * chunkBytes))
    }
}
