public import NIOCore

/// How much room each read of a connection gets: little for small messages, much within a large
/// body, and nothing large is kept once that body has gone.
///
/// A channel of NIO keeps as many buffers for good as it may read at a time, each as large as it
/// ever was, so a connection with large bodies holds megabytes while it is idle (a soak of 1,024
/// connections: 500 MiB). Here it keeps one, the small one; a large one belongs to the body that
/// came in it. That needs `readsPerTurn` as well, which is the length of NIO's list.
public struct ReceiveBuffers: RecvByteBufferAllocator {
    /// The buffer that a connection keeps: a head and a small tensor, in bytes.
    public static let small = 4 << 10
    /// The most that one read takes, in bytes: more costs memory and saves no time.
    public static let large = 256 << 10
    /// What a channel's `maxMessagesPerRead` must be: a read that filled its buffer is followed by
    /// the event loop's next turn.
    public static let readsPerTurn: UInt = 1
    /// How fast reads grow that fill their buffers.
    static let growth = 4

    private var size = Self.small

    /// Begins with small reads.
    public init() {}

    /// A buffer for the next read.
    public func buffer(allocator: ByteBufferAllocator) -> ByteBuffer {
        allocator.buffer(capacity: size)
    }

    /// Takes note of a read's bytes.
    ///
    /// - Returns: Whether the next read wants a buffer of its own, which nobody keeps.
    public mutating func record(actualReadBytes bytes: Int) -> Bool {
        if bytes >= size {
            size = min(Self.large, size * Self.growth)
        } else {
            // A power of two, as buffers are, of bytes to twice as many.
            let wanted = 1 << (Int.bitWidth - 1 - (2 * bytes).leadingZeroBitCount)
            size = min(size, max(Self.small, wanted))
        }
        return size > Self.small
    }

    /// No hint: the small buffer is used again, large ones are not gathered in a pool.
    public func nextBufferSize() -> Int? { nil }
}
