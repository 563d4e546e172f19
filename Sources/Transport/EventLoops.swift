import CHost
import NIOCore
public import NIOPosix

/// Event loops, of servers and of clients that measure them.
public enum EventLoops {
    /// What an event loop wants of a core at a time: it reads, decides and writes, and beside it
    /// batches compute for milliseconds. Without it a loop that wakes on a core of theirs waits
    /// for the kernel's next tick, up to 4 ms (Docs/BENCHMARKS.md, "Who gives way").
    public static let sliceNanoseconds: Int64 = 100_000

    /// One loop on a thread of its own; whoever made it shuts it down.
    public static func single() -> MultiThreadedEventLoopGroup {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        group.next().execute { _ = host_run_briefly(sliceNanoseconds) }
        return group
    }
}
