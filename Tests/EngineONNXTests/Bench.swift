import Glibc
import ServerRuntime
import ServingDomain
import Testing

@testable import EngineONNX

/// The engine under test and a place for model files.
enum Bench {
    static let engine = try? ONNXEngine()

    static let skip: Comment =
        "ONNX Runtime is not in .engine; run Scripts/setup-engine.sh to run these tests"

    /// Writes a model into a folder of its own and returns the file's path.
    static func file(_ bytes: [UInt8], named fileName: String = "model.onnx") throws -> String {
        var pattern = Array(
            (temporary + "/sluice-engine-" + String(repeating: "X", count: 6)).utf8CString
        )
        let folder = try #require(mkdtemp(&pattern).map { String(cString: $0) })
        let path = folder + "/" + fileName
        let file = try #require(fopen(path, "wb"))
        defer { fclose(file) }
        #expect(fwrite(bytes, 1, bytes.count, file) == bytes.count)
        return path
    }

    private static var temporary: String {
        guard let value = getenv("TMPDIR") else { return "/tmp" }
        return String(cString: value)
    }

    /// Removes a file and its folder.
    static func remove(_ path: String) {
        unlink(path)
        rmdir(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]))
    }

    /// Loads a model written by a test.
    static func load(
        _ model: ModelBytes,
        signature: ModelSignature? = nil,
        options: [String: String] = [:]
    ) throws -> any LoadedModel {
        let path = try file(model.bytes)
        defer { remove(path) }
        let artifact = ModelArtifact(
            name: "test",
            version: 1,
            path: path,
            signature: signature,
            options: options
        )
        return try #require(engine).load(artifact)
    }

    /// A place on a CPU of as many cores as this machine has.
    static func place(own: [Int32] = []) -> Placement {
        let cores = Int32(Processors().allowed.count)
        let device = DeviceSpec(id: DeviceID(0), name: "cpu0", kind: "cpu", units: max(1, cores))
        return Placement(device: device, units: own, own: own)
    }

    /// Runs a batch of a model with one input and returns its one output.
    static func run(
        _ instance: any EngineInstance,
        items: Int32,
        dims: [Int64],
        _ bytes: [UInt8]
    ) throws -> (shape: [Int64], bytes: [UInt8]) {
        try instance.prepare(items: items, shapes: InputShapes([dims]))
        try instance.input(0, byteCount: bytes.count).copyBytes(from: bytes)
        try instance.perform(.whole)
        let output = try instance.output(0)
        return (output.shape, Array(output.bytes))
    }

    /// The error that `body` throws.
    static func error(_ body: () throws -> Void) throws -> EngineError {
        do {
            try body()
        } catch let error as EngineError {
            #expect(!error.message.contains("\n"))
            return error
        }
        Issue.record("nothing was thrown")
        throw EngineError(.failed, "nothing was thrown")
    }

    /// Does something on a thread of its own, as lane threads do, and waits for its end.
    static func onThread<T: Sendable>(_ body: @escaping @Sendable () throws -> T) throws -> T {
        let errand = Errand(body)
        var thread = pthread_t()
        let context = Unmanaged.passRetained(errand).toOpaque()
        let failure = pthread_create(&thread, nil, Errand<T>.start, context)
        #expect(failure == 0)
        pthread_join(thread, nil)
        return try #require(errand.result).get()
    }
}

private class AnyErrand {
    func run() {}
}

private final class Errand<T: Sendable>: AnyErrand {
    private let body: @Sendable () throws -> T
    private(set) var result: Result<T, any Error>?

    init(_ body: @escaping @Sendable () throws -> T) { self.body = body }

    override func run() { result = Result(catching: body) }

    static var start: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
        { context in
            guard let context else { return nil }
            Unmanaged<AnyErrand>.fromOpaque(context).takeRetainedValue().run()
            return nil
        }
    }
}
