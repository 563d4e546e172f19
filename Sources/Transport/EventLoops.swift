import CHost
import NIOCore
public import NIOPosix

/// Event loops, of servers and of clients that measure them.
public enum EventLoops {
    /// One loop on a thread of its own; whoever made it shuts it down.
    ///
    /// It reads, decides and writes for microseconds, and beside it batches compute for
    /// milliseconds: so it runs briefly (Docs/BENCHMARKS.md, "Who gives way").
    public static func single() -> MultiThreadedEventLoopGroup {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        group.next().execute { _ = host_run_briefly() }
        return group
    }
}
