import Foundation
import Synchronization

/// Runs many jobs that know nothing of each other on all cores, answers in the jobs' order.
enum ParallelRuns {
    /// What came of each job.
    ///
    /// - Parameters:
    ///   - jobs: The jobs.
    ///   - done: Told after each job how many have ended; called from any thread, one at a time.
    ///   - run: Runs one job. Its errors are thrown once all have ended, the first job's first.
    static func samples<Job: Sendable, Sample: Sendable>(
        of jobs: [Job],
        done: @escaping @Sendable (Int) -> Void = { _ in },
        run: @escaping @Sendable (Job) throws -> Sample
    ) throws -> [Sample] {
        let results = Mutex<[Result<Sample, any Error>?]>(Array(repeating: nil, count: jobs.count))
        let ended = Mutex(0)
        DispatchQueue.concurrentPerform(iterations: jobs.count) { place in
            let result = Result { try run(jobs[place]) }
            results.withLock { $0[place] = result }
            ended.withLock { count in
                count += 1
                done(count)
            }
        }
        return try results.withLock { $0 }.compactMap { try $0?.get() }
    }
}
