import Glibc
import Logging
import ServerRuntime
import ServingDomain
import Synchronization
import Testing

@testable import EngineONNX

/// Tests that share the stand-in driver, which has one state per process: one after the other.
@Suite(.serialized) enum OnStandIn {}

/// The stand-in for NVIDIA's driver (Tests/StandInDriver), opened by its path as the server would.
struct StandIn {
    /// Where the build has put it: beside the tests.
    let path: String
    private let library: UnsafeMutableRawPointer

    private static func folder() throws -> String {
        let path = try #require(realpath("/proc/self/exe", nil))
        defer { free(path) }
        let words = String(cString: path).split(separator: "/").dropLast()
        // A bundle is a file here, or a folder with one.
        return "/" + words.joined(separator: "/")
    }

    init(_ name: String = "libStandInDriver.so") throws {
        var path = try Self.folder() + "/" + name
        if access(path, R_OK) != 0 { path = try Self.folder() + "/../" + name }
        self.path = path
        library = try #require(dlopen(path, RTLD_NOW), "\(path) is built by swift build")
        call("standin_reset", as: (@convention(c) () -> Void).self) { $0() }
    }

    /// Runs a test on a fresh stand-in. At its end nothing may be left of what was made, and
    /// nothing may have been done that the documentation forbids.
    static func run(
        _ name: String = "libStandInDriver.so",
        _ body: (StandIn) throws -> Void
    ) throws {
        let standIn = try StandIn(name)
        try body(standIn)
        for count in ["streams", "events", "greens", "device_bytes", "pinned_bytes", "retained"]
        where standIn["lost"] == 0 {
            #expect(standIn[count] == 0, "\(count) left over")
        }
        #expect(standIn["violations"] == 0, "\(standIn.log.suffix(2_000))")
    }

    private func call<Function>(_ name: String, as type: Function.Type, _ body: (Function) -> Void)
    {
        guard let symbol = dlsym(library, name) else {
            Issue.record("the stand-in has no \(name)")
            return
        }
        // The symbol is a function of that type: include/StandInDriver.h.
        body(unsafeBitCast(symbol, to: type))
    }

    /// A fact or a count; setting one changes what the stand-in pretends to be.
    subscript(_ name: String) -> Int64 {
        get {
            var value: Int64 = -1
            call(
                "standin_get",
                as: (@convention(c) (UnsafePointer<CChar>) -> Int64).self
            ) { value = $0(name) }
            return value
        }
        nonmutating set {
            call(
                "standin_set",
                as: (@convention(c) (UnsafePointer<CChar>, Int64) -> Void).self
            ) { $0(name, newValue) }
        }
    }

    /// Lets a call fail, after some that go well.
    func fail(_ name: String, _ code: Int32, after skip: Int64 = 0, times: Int64 = 1) {
        call(
            "standin_fail",
            as: (@convention(c) (UnsafePointer<CChar>, Int32, Int64, Int64) -> Void).self
        ) { $0(name, code, skip, times) }
    }

    /// Everything that was called, and what was wrong with it.
    var log: String {
        var text = [CChar](repeating: 0, count: 1 << 18)
        call(
            "standin_log",
            as: (@convention(c) (UnsafeMutablePointer<CChar>, Int) -> Int).self
        ) { _ = $0(&text, text.count) }
        return text.withUnsafeBufferPointer { buffer in
            buffer.baseAddress.map { String(cString: $0) } ?? ""
        }
    }

    /// How many SMs a stream's work may use; negative where it is all of them.
    func reach(_ stream: CUDAStream) -> Int32 {
        var value: Int32 = 0
        call(
            "standin_reach",
            as: (@convention(c) (OpaquePointer) -> Int32).self
        ) { value = $0(stream.handle) }
        return value
    }

    /// A request for its devices, with models on the host's own provider.
    func request(_ selection: GPURequest.Selection = .auto) -> GPURequest {
        GPURequest(selection, driver: path, runsOnHost: true)
    }

    /// The context of its first device.
    func context() throws -> GPUContext {
        try GPUContext(driver: CUDADriver(path: path), number: 0)
    }
}

/// Collects what is logged.
final class LogLines: Sendable {
    private let lines = Mutex<[String]>([])
    var all: [String] { lines.withLock { $0 } }

    func add(_ line: String) { lines.withLock { $0.append(line) } }

    var logger: Logger { Logger(label: "test") { _ in Handler(lines: self) } }

    private struct Handler: LogHandler {
        let lines: LogLines
        var logLevel = Logger.Level.info
        var metadata: Logger.Metadata = [:]
        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }
        func log(event: LogEvent) { lines.add("\(event.message)") }
    }
}
