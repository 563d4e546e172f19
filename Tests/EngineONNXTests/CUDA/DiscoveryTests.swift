import Logging
import ServerRuntime
import ServingDomain
import Testing

@testable import EngineONNX

extension OnStandIn {
    struct Discovery {
        /// Proves that facts come from both libraries and make a device of whole SM groups.
        @Test
        func facts() throws {
            try StandIn.run { standIn in
                let discovery = try GPUDiscovery(standIn.request())
                let facts = try #require(discovery.facts().first)
                #expect(facts.name == "NVIDIA Stand-in 0")
                #expect(facts.uuid == "00010203-0405-0607-0809-0a0b0c0d0e0f")
                #expect((facts.memoryMiB, facts.processors) == (1_024, 132))
                #expect((facts.copyEngines, facts.capability) == (2, 9))
                #expect((facts.linkGeneration, facts.linkWidth, facts.clock) == (5, 16, 1_980))
                #expect(!facts.isInstance)
                #expect(discovery.driverVersion == "999.13.10")
                let device = try #require(discovery.take([facts]).first)
                #expect(device.spec.name == "gpu0")
                #expect((device.spec.units, device.spec.grain) == (16, 1))
                #expect(device.spec.allowedUnits == Array(1...16))
                #expect(device.spec.memoryMiB == 1_024 - GPUDevice.reserveMiB)
                let rate: Int64 = 3_938 * 16 * 800_000
                #expect(device.spec.copy?.bytesPerSecond == rate)
                #expect(device.line.contains("16 units of 8 SMs, green contexts"))
            }
        }

        /// Proves that several devices are taken, and those that are named alone.
        @Test
        func selection() throws {
            try StandIn.run { standIn in
                standIn["devices"] = 3
                let engine = try ONNXEngine(gpus: standIn.request())
                #expect(engine.gpuSpecs.map(\.name) == ["gpu0", "gpu1", "gpu2"])
                #expect(engine.gpuSpecs.map(\.id.index) == [0, 1, 2])
                let two = try ONNXEngine(gpus: standIn.request(.listed([2])))
                #expect(two.gpuSpecs.map(\.name) == ["gpu2"])
                #expect(two.gpuSpecs.map(\.id.index) == [0])
                let error = try Bench.error {
                    _ = try ONNXEngine(gpus: standIn.request(.listed([7])))
                }
                #expect(error.message == "there is no GPU 7; the driver shows 0, 1, 2")
                #expect(try ONNXEngine(gpus: standIn.request(.none)).gpuSpecs.isEmpty)
            }
            #expect(GPURequest.selection("auto") == .auto)
            #expect(GPURequest.selection("none") == GPURequest.Selection.none)
            #expect(GPURequest.selection("0,2") == .listed([0, 2]))
            for wrong in ["", "0,", "x", "1,1", "-1"] {
                #expect(GPURequest.selection(wrong) == nil, "\(wrong)")
            }
        }

        /// Proves that without a GPU, a driver, or one that is new enough, one line says so and
        /// the CPU serves; and that who named a GPU gets that line as an error.
        @Test
        func nothingToServeFrom() throws {
            try StandIn.run { standIn in
                let cases: [(String, Int64, String, String)] = [
                    (standIn.path, 0, "devices", "sees no GPU"),
                    (standIn.path, 11_040, "version", "CUDA 11.4, but 11.8 or later is needed"),
                    ("/nowhere/libcuda.so.1", 0, "", "there is no NVIDIA driver"),
                    ("libm.so.6", 0, "", "not NVIDIA's driver (it has no cuInit)"),
                ]
                for (path, value, fact, hint) in cases {
                    let fresh = try StandIn()
                    if !fact.isEmpty { fresh[fact] = value }
                    var request = standIn.request()
                    request.driver = path
                    let lines = LogLines()
                    let engine = try ONNXEngine(gpus: request, log: lines.logger)
                    #expect(engine.gpuSpecs.isEmpty)
                    #expect(lines.all.count == 1)
                    let line = try #require(lines.all.first)
                    #expect(line.contains(hint), "\(line)")
                    #expect(line.hasSuffix("the CPU does"))
                    request.selection = .listed([0])
                    let error = try Bench.error { _ = try ONNXEngine(gpus: request) }
                    #expect(error.kind == .unavailable)
                    #expect(error.message.contains(hint))
                }
            }
        }

        /// Proves that an ONNX Runtime without the CUDA provider is told from a missing GPU.
        @Test(.enabled(if: Bench.engine != nil, Bench.skip))
        func noProvider() throws {
            try StandIn.run { standIn in
                var request = standIn.request()
                request.runsOnHost = false
                let lines = LogLines()
                let engine = try ONNXEngine(gpus: request, log: lines.logger)
                #expect(engine.gpuSpecs.isEmpty)
                #expect(lines.all.first?.contains("has no CUDA provider") == true)
            }
        }

        /// Proves that a driver without green contexts shares its GPUs by time.
        @Test
        func oldDriver() throws {
            try StandIn.run("libOldStandInDriver.so") { standIn in
                let engine = try ONNXEngine(gpus: standIn.request())
                let spec = try #require(engine.gpuSpecs.first)
                #expect((spec.units, spec.grain) == (100, 10))
                #expect(spec.allowedUnits == Array(stride(from: 10, through: 100, by: 10)))
            }
        }

        /// Proves that a MIG instance is a device of its own kind.
        @Test
        func instance() throws {
            try StandIn.run { standIn in
                standIn["mig"] = 1
                standIn["processors"] = 16
                let engine = try ONNXEngine(gpus: standIn.request())
                let spec = try #require(engine.gpuSpecs.first)
                #expect(spec.kind == "stand-in-0-1g.10gb")
                #expect(spec.units == 2)
            }
        }

        /// Proves that a GPU which can't be taken is an error, not a quiet fall to the CPU.
        @Test
        func refused() throws {
            try StandIn.run { standIn in
                standIn.fail("cuDevicePrimaryCtxRetain", 2)
                let error = try Bench.error { _ = try ONNXEngine(gpus: standIn.request()) }
                #expect(error.kind == .outOfMemory)
                #expect(error.message.contains("CUDA_ERROR_OUT_OF_MEMORY (2)"))
            }
        }
    }
}

struct GPUWordsTests {
    /// Proves that NVIDIA's names become the words that profiles are kept by.
    @Test
    func kinds() {
        let names = [
            ("NVIDIA H200", "h200"), ("NVIDIA H100 80GB HBM3", "h100"), ("NVIDIA L4", "l4"),
            ("NVIDIA GeForce RTX 2080 Ti", "rtx-2080ti"), ("Tesla P40", "tesla-p40"),
            ("NVIDIA A100-SXM4-80GB", "a100"),
            ("NVIDIA H100 80GB HBM3 MIG 1g.10gb", "h100-1g.10gb"),
            ("NVIDIA", "gpu"),
        ]
        for (name, kind) in names { #expect(GPUFacts.kind(of: name) == kind, "\(name)") }
    }

    /// Proves that a provider for a newer CUDA than the driver's is refused in one line, and that
    /// what a library needs is read from its file.
    @Test
    func cudaMajors() throws {
        let needed = ["libcublasLt.so.13", "libcudnn.so.9", "libc.so.6"]
        #expect(NeededLibraries.cudaMajor(needed) == 13)
        #expect(NeededLibraries.cudaMajor(["libc.so.6"]) == nil)
        let error = try Bench.error {
            try GPUSupport.check(needed, driver: CUDAVersion(number: 12_040))
        }
        #expect(error.message.contains("built for CUDA 13, but the driver is for 12.4"))
        try GPUSupport.check(needed, driver: CUDAVersion(number: 13_020))
        try GPUSupport.check(["libcublas.so.12"], driver: CUDAVersion(number: 13_020))
        try GPUSupport.check([], driver: CUDAVersion(number: 12_040))
        #expect(NeededLibraries.of("/proc/self/exe").contains("libc.so.6"))
        #expect(NeededLibraries.of("/etc/hostname").isEmpty)
        #expect(NeededLibraries.of("/nowhere").isEmpty)
    }

    /// Proves that no damaged file makes the reader of needs read beyond it.
    @Test
    func damagedLibraries() throws {
        let whole = try #require(MappedFile(path: "/proc/self/exe"))
        var head = Array(whole.bytes.prefix(4_096))
        for place in 0..<64 {
            for value: UInt8 in [0, 0x7f, 0xff] where place > 5 {
                let before = head[place]
                head[place] = value
                head.withUnsafeBytes { _ = NeededLibraries.read($0) }
                head[place] = before
            }
        }
        for count in 0..<80 {
            head.withUnsafeBytes {
                _ = NeededLibraries.read(UnsafeRawBufferPointer(rebasing: $0[..<count]))
            }
        }
    }

    /// Proves that the operators without a kernel are found in the library's words.
    @Test
    func missingOperators() {
        let lines = [
            "CUDA kernel not found in registries for Op type: NonZero node name: /nz",
            " Node(s) placed on [CPUExecutionProvider]. Number of nodes: 2",
            "CUDA kernel not found in registries for Op type: NonZero node name: /other",
            "CUDA kernel not found in registries for Op type: StringNormalizer node name: ",
        ]
        #expect(PlacementLog.missing(lines) == ["NonZero", "StringNormalizer"])
        #expect(PlacementLog.missing(["all well"]).isEmpty)
        let error = GPUSessions.refusal(of: ["NonZero"], title: "model 'm' version 1")
        #expect(error.message.contains("no kernel for NonZero; allow the CPU"))
    }

    /// Proves that the provider is told the stream, the limit and what keeps batches from stalling.
    @Test
    func providerOptions() throws {
        let stream = try #require(OpaquePointer(bitPattern: 0xdead_beef))
        let settings = GPUProvider.settings(3, stream, 700)
        defer { for setting in settings { setting.release() } }
        let words = Dictionary(
            uniqueKeysWithValues: settings.map { ($0.key.text, $0.value.text) }
        )
        #expect(words["device_id"] == "3")
        #expect(words["user_compute_stream"] == "3735928559")
        #expect(words["has_user_compute_stream"] == "1")
        #expect(words["gpu_mem_limit"] == String(700 << 20))
        #expect(words["cudnn_conv_algo_search"] == "HEURISTIC")
        #expect(words["arena_extend_strategy"] == "kSameAsRequested")
    }

    /// Proves that Triton's numbers for the provider's options are taken in the provider's words,
    /// over ours, and that wrong ones are refused by name.
    @Test
    func tritonOptions() throws {
        let stream = try #require(OpaquePointer(bitPattern: 1))
        let changes = try SessionSettings([
            "cudnn_conv_algo_search": "0", "arena_extend_strategy": "0",
            "gpu_mem_limit": "123456", "gpu.cpu_fallback": "1",
        ])
        #expect(changes.allowsFallback)
        let settings = GPUProvider.settings(0, stream, 700, changes.gpuOptions)
        defer { for setting in settings { setting.release() } }
        let words = Dictionary(
            uniqueKeysWithValues: settings.map { ($0.key.text, $0.value.text) }
        )
        #expect(words["cudnn_conv_algo_search"] == "EXHAUSTIVE")
        #expect(words["arena_extend_strategy"] == "kNextPowerOfTwo")
        #expect(words["gpu_mem_limit"] == "123456")
        #expect(words["do_copy_in_default_stream"] == "1")
        for name in ["gpu_mem_limit", "cudnn_conv_algo_search", "gpu.cpu_fallback"] {
            let error = try Bench.error { _ = try SessionSettings([name: "-3"]) }
            #expect(error.message.contains("'\(name)' is '-3'"))
        }
    }
}
