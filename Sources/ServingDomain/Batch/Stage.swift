/// A piece of a batch's work at whose end the core may decide anew (design, section 1).
public enum Stage: Hashable, Sendable {
    /// Copy in, run and copy out in one go.
    case whole
    /// One chunk of the copy to the device.
    case copyIn(chunk: Int32)
    /// Some segments of the run.
    case run(segments: Range<Int32>)
    /// One chunk of the copy back.
    case copyOut(chunk: Int32)
}
