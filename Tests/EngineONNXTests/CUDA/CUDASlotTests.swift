import CONNXRuntime
import ServerRuntime
import Testing

@testable import EngineONNX

@Suite(.enabled(if: Bench.engine != nil, Bench.skip))
struct CUDASlotTests {
    /// Proves that the slots of the library's table that lead to the CUDA provider are the right
    /// ones as far as a build without it tells: each answers with its own words.
    @Test
    func providers() throws {
        let library = try ONNXLibrary.open(nil)
        #expect(try library.providers().contains("CPUExecutionProvider"))
        var options: OpaquePointer?
        let complaint = try #require(library.take(library.calls.create_cuda_options(&options)))
        #expect(complaint.text.contains("CUDA execution provider is not enabled"))
        let memory = try library.made("a memory description") {
            library.calls.create_memory_info("Cuda", 0, 0, 0, $0)
        }
        library.calls.release_memory_info(memory)
    }

    /// Proves that the library refuses nodes for the CPU in the words that we look for.
    @Test
    func fallback() throws {
        let library = try ONNXLibrary.open(nil)
        let path = try Bench.file(ModelBytes.affine.bytes)
        defer { Bench.remove(path) }
        let file = try ModelFile(ModelArtifact(name: "m", version: 1, path: path))
        let settings = try SessionSettings([:])
        let error = try Bench.error {
            _ = try ONNXSession(
                file: file,
                path: path,
                settings: settings,
                threads: 1,
                library: library
            ) { options throws(EngineError) in
                let key = "session.disable_cpu_ep_fallback"
                let status = library.calls.add_session_entry(options, key, "1")
                try library.check(status, "session options")
            }
        }
        #expect(error.message.contains("fallback to CPU EP"), "\(error.message)")
    }

    /// Proves that what the library says while a session is made is heard, and only then.
    @Test
    func listening() throws {
        let library = try ONNXLibrary.open(nil)
        let path = try Bench.file(ModelBytes.affine.bytes)
        defer { Bench.remove(path) }
        let file = try ModelFile(ModelArtifact(name: "m", version: 1, path: path))
        let settings = try SessionSettings([:])
        let lines = PlacementLog.listening {
            _ = try? ONNXSession(
                file: file,
                path: path,
                settings: settings,
                threads: 1,
                library: library
            ) { options throws(EngineError) in
                let status = library.calls.set_session_severity(options, 0)
                try library.check(status, "session options")
            }
        }
        #expect(lines.contains { $0.contains("nodes placed on [CPUExecutionProvider]") })
        #expect(!PlacementLog.takes("later"))
    }
}
