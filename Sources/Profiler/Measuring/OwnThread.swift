import Dispatch
import Foundation
import ServerRuntime
import Synchronization

/// Work on a thread of its own: instances pin the thread that makes them, which must not be one
/// that others use too.
enum OwnThread {
    /// Runs `body` on a new thread and waits for its end.
    static func run<Value: Sendable>(
        _ body: @escaping @Sendable () throws(EngineError) -> Value
    ) throws(EngineError) -> Value {
        try start(body).wait()
    }

    /// Starts `body` on a new thread.
    static func start<Value: Sendable>(
        _ body: @escaping @Sendable () throws(EngineError) -> Value
    ) -> Running<Value> {
        let running = Running<Value>()
        let thread = Thread {
            let result: Result<Value, EngineError>
            do throws(EngineError) {
                result = .success(try body())
            } catch {
                result = .failure(error)
            }
            running.end(with: result)
        }
        thread.stackSize = 2 << 20
        thread.start()
        return running
    }

    /// Something that another thread is doing.
    final class Running<Value: Sendable>: Sendable {
        private let result = Mutex<Result<Value, EngineError>?>(nil)
        private let ended = DispatchSemaphore(value: 0)

        fileprivate init() {}

        fileprivate func end(with value: Result<Value, EngineError>) {
            result.withLock { $0 = value }
            ended.signal()
        }

        /// Waits for the end; once only.
        func wait() throws(EngineError) -> Value {
            ended.wait()
            guard let result = result.withLock({ $0 }) else {
                preconditionFailure("a thread ended without a result")
            }
            return try result.get()
        }
    }
}
