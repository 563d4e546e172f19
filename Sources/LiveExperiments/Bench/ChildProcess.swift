import Foundation

/// A process that we started, and that we end: by its own identifier, SIGTERM first.
///
/// What it prints goes to files, so that it never waits for a reader.
final class ChildProcess: Sendable {
    /// The longest from SIGTERM to its end, in seconds.
    static let patience = 45.0

    private let process: Process
    private let outputFile: String, errorFile: String

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - folder: Where its output goes; must exist.
    ///   - processors: The processors that it may use; nil = those of the caller.
    /// - Throws: `LiveError` where it can't be started.
    init(
        _ program: String,
        _ arguments: [String],
        environment: [String: String] = [:],
        folder: String,
        processors: [Int32]? = nil
    ) throws(LiveError) {
        let mark = UUID().uuidString.prefix(8)
        outputFile = "\(folder)/out-\(mark).txt"
        errorFile = "\(folder)/err-\(mark).txt"
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        for file in [outputFile, errorFile] {
            _ = FileManager.default.createFile(atPath: file, contents: nil)
        }
        process.standardOutput = FileHandle(forWritingAtPath: outputFile)
        process.standardError = FileHandle(forWritingAtPath: errorFile)
        self.process = process
        do {
            try Affinity.asCallingThread(on: processors) {
                try Self.withOpenSignals { try process.run() }
            }
        } catch {
            throw LiveError("'\(program)' can't be started: \(error.localizedDescription)")
        }
    }

    /// Its identifier.
    var pid: Int32 { process.processIdentifier }

    /// Whether it has not ended.
    var isRunning: Bool { process.isRunning }

    /// What it has printed so far.
    var output: String { Self.text(outputFile) }

    /// What it has written to standard error so far.
    var errors: String { Self.text(errorFile) }

    /// Waits for its own end.
    ///
    /// - Throws: `LiveError` where it takes longer than `seconds` (it is ended then) or fails.
    func finish(within seconds: Double, _ what: String) async throws {
        let ended = try? await Waiting.first(within: seconds) { isRunning ? nil : true }
        guard ended == true else {
            await end()
            try Task.checkCancellation()
            throw LiveError("\(what) took more than \(Int(seconds)) s, the limit, and was ended")
        }
        guard process.terminationStatus == 0 else {
            throw LiveError("\(what): \(StartWords.last(of: errors))")
        }
    }

    /// Ends it: SIGTERM, and SIGKILL where that does not help. A cancelled task ends it as well.
    ///
    /// - Returns: Whether SIGTERM was enough.
    @discardableResult
    func end() async -> Bool {
        await Task.detached { [self] in
            guard process.isRunning else { return true }
            process.terminate()
            let gone = try? await Waiting.first(within: Self.patience) {
                process.isRunning ? nil : true
            }
            if gone == true { return true }
            kill(process.processIdentifier, SIGKILL)
            _ = try? await Waiting.first(within: 5) { process.isRunning ? nil : true }
            return false
        }.value
    }

    /// Runs `body` with no signal blocked: a pool's threads block most, and a child that inherits
    /// that never hears of SIGTERM.
    private static func withOpenSignals(_ body: () throws -> Void) rethrows {
        var (none, before) = (sigset_t(), sigset_t())
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        try body()
    }

    private static func text(_ file: String) -> String {
        String(decoding: FileManager.default.contents(atPath: file) ?? Data(), as: UTF8.self)
    }
}
