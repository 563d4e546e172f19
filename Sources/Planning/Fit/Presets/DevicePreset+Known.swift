import ServingDomain

// Every constant here has its source in Docs/CALIBRATION.md; change both together.

extension DevicePreset {
    /// All presets, in the order in which they are listed.
    public static let all: [DevicePreset] = [rtx2080ti, teslaP40, l4, a100, h200, cpu()]

    /// gpu-lets' device: PyTorch operation by operation in FP32, MPS shares in per cent.
    static let rtx2080ti = DevicePreset(
        kind: "rtx-2080ti",
        machine: Machine(
            processors: 68,
            teraflops: 13.45,
            memoryGBps: 616,
            memoryShare: 0.51,
            launchMicroseconds: 4,
            valueBytes: 4,
            execution: .eager,
            software: .eagerFP32
        ),
        device: DeviceSpec(
            id: DeviceID(0),
            name: "rtx-2080ti",
            kind: "rtx-2080ti",
            units: 100,
            shares: [20, 40, 50, 60, 80, 100],
            maxGpulets: 2,
            // 0.9 x 11,000 MB less a process of 1,230 MB for each of two gpulets.
            memoryMiB: 7_440_000_000 / 1_048_576,
            copyEngines: 2,
            copy: CopySpec(setup: .microseconds(10), bytesPerSecond: 12_000_000_000)
        ),
        batches: [1, 2, 4, 8, 12, 16, 20, 24, 28, 32],
        coldStart: .milliseconds(12_500),
        warmStart: .milliseconds(12_500),
        isCalibrated: true,
        sources: [
            "peaks: NVIDIA Turing whitepaper (WP-09183), table 1: 68 SMs, 1,545 MHz, 616 GB/s",
            "software and launch: fitted to gpu-lets' mean kernel times, see CALIBRATION.md",
            "latency at batch 32: half of the ATC'22 objective, one factor for each network",
            "shares, memory, start: gpu-lets' released code and its 10-15 s of reorganisation",
        ]
    )

    /// DNNScaler's device: TensorFlow 1 in FP32; Pascal's MPS has no shares.
    static let teslaP40 = DevicePreset(
        kind: "tesla-p40",
        machine: Machine(
            processors: 30,
            teraflops: 11.76,
            memoryGBps: 347,
            memoryShare: 0.51,
            launchMicroseconds: 4,
            valueBytes: 4,
            execution: .eager,
            software: .eagerFP32
        ),
        device: DeviceSpec(
            id: DeviceID(0),
            name: "tesla-p40",
            kind: "tesla-p40",
            units: 100,
            shares: [100],
            maxGpulets: 1,
            memoryMiB: 22_912,
            copyEngines: 2,
            copy: CopySpec(setup: .microseconds(10), bytesPerSecond: 12_000_000_000)
        ),
        batches: [1, 2, 4, 8, 16, 32, 48, 64, 96, 128],
        coldStart: .milliseconds(8_000),
        warmStart: .milliseconds(4_500),
        isCalibrated: false,
        sources: [
            "peaks: NVIDIA Tesla P40 datasheet: 3,840 cores, 1,531 MHz, 11.76 TFLOP/s, 347 GB/s",
            "software and launch: those of rtx-2080ti, not fitted again",
            "start: DNNScaler's logs, 4.0-5.3 s for a first inference, 5-11.7 s with the graph",
        ]
    )

    /// Strait's device: TensorRT in FP16.
    static let l4 = DevicePreset(
        kind: "l4",
        machine: .tensorCores(processors: 58, teraflops: 121, memoryGBps: 300),
        device: DeviceSpec(
            id: DeviceID(0),
            name: "l4",
            kind: "l4",
            units: 58,
            grain: 2,
            memoryMiB: 22_528,
            copyEngines: 2,
            copy: CopySpec(setup: .microseconds(10), bytesPerSecond: 24_000_000_000)
        ),
        batches: [1, 2, 4, 8, 16, 32],
        coldStart: .milliseconds(4_000),
        warmStart: .milliseconds(1_000),
        isCalibrated: false,
        sources: [
            "peaks: NVIDIA L4 datasheet: 58 SMs, 121 TFLOP/s FP16 without sparsity, 300 GB/s",
            "software and launch: assumed for TensorRT, see CALIBRATION.md; start: assumed",
        ]
    )

    /// A100 SXM with 80 GB: TensorRT in FP16.
    static let a100 = DevicePreset(
        kind: "a100",
        machine: .tensorCores(processors: 108, teraflops: 312, memoryGBps: 2_039),
        device: DeviceSpec(
            id: DeviceID(0),
            name: "a100",
            kind: "a100",
            units: 108,
            grain: 2,
            memoryMiB: 79_872,
            copyEngines: 2,
            copy: CopySpec(setup: .microseconds(10), bytesPerSecond: 24_000_000_000)
        ),
        batches: [1, 2, 4, 8, 16, 32, 64, 128],
        coldStart: .milliseconds(4_000),
        warmStart: .milliseconds(1_000),
        isCalibrated: false,
        sources: [
            "peaks: NVIDIA A100 80GB datasheet: 108 SMs, 312 TFLOP/s FP16, 2,039 GB/s",
            "software and launch: assumed for TensorRT, see CALIBRATION.md; start: assumed",
        ]
    )

    /// H200 SXM: TensorRT in FP16; green contexts come in groups of 8 SMs.
    static let h200 = DevicePreset(
        kind: "h200",
        machine: .tensorCores(processors: 132, teraflops: 989, memoryGBps: 4_800),
        device: DeviceSpec(
            id: DeviceID(0),
            name: "h200",
            kind: "h200",
            units: 132,
            grain: 8,
            memoryMiB: 141_312,
            copyEngines: 2,
            copy: CopySpec(setup: .microseconds(10), bytesPerSecond: 48_000_000_000)
        ),
        batches: [1, 2, 4, 8, 16, 32, 64, 128],
        coldStart: .milliseconds(4_000),
        warmStart: .milliseconds(1_000),
        isCalibrated: false,
        sources: [
            "peaks: NVIDIA H200 datasheet: 132 SMs, 989 TFLOP/s FP16 without sparsity, 4,800 GB/s",
            "software and launch: assumed for TensorRT, see CALIBRATION.md; start: assumed",
        ]
    )

    /// A CPU socket with ONNX Runtime in FP32; a unit is a core.
    public static func cpu(cores: Int32 = 2) -> DevicePreset {
        DevicePreset(
            kind: "cpu",
            machine: Machine(
                processors: cores,
                teraflops: 0.128 * Double(cores),
                memoryGBps: 20 * Double(cores),
                memoryShare: 1,
                launchMicroseconds: 5,
                valueBytes: 4,
                execution: .fused,
                software: .onnxRuntimeCPU
            ),
            device: DeviceSpec(
                id: DeviceID(0),
                name: "cpu",
                kind: "cpu",
                units: cores
            ),
            batches: [1, 2, 4, 8, 16, 32],
            coldStart: .milliseconds(1_000),
            warmStart: .milliseconds(100),
            isCalibrated: false,
            sources: [
                "peaks: 32 FLOP per cycle (AVX2, two FMA units) at 4 GHz for each core",
                "efficiency: one measurement of ours, ResNet-50 at batch 1 on one core",
            ]
        )
    }
}

extension Machine {
    /// An NVIDIA GPU with tensor cores under TensorRT.
    static func tensorCores(
        processors: Int32,
        teraflops: Double,
        memoryGBps: Double
    ) -> Machine {
        Machine(
            processors: processors,
            teraflops: teraflops,
            memoryGBps: memoryGBps,
            memoryShare: 0.51,
            launchMicroseconds: 3,
            valueBytes: 2,
            execution: .fused,
            software: .tensorFP16
        )
    }
}

extension Machine.Software {
    /// cuDNN and cuBLAS in FP32, one kernel for each operation; fitted on the RTX 2080 Ti.
    static let eagerFP32 = Machine.Software(
        denseEfficiency: 1,
        depthwiseEfficiency: 0.05,
        winogradGain: 2.25,
        memoryEfficiency: 0.85,
        denseBlock: 4_096,
        denseResidents: 3,
        shortestSum: 256,
        shortestProductSum: 64,
        lightBlock: 512,
        lightResidents: 16
    )

    /// TensorRT on tensor cores: tiles of 128 x 64, no Winograd.
    static let tensorFP16 = Machine.Software(
        denseEfficiency: 0.5,
        depthwiseEfficiency: 0.02,
        winogradGain: 1,
        memoryEfficiency: 0.85,
        denseBlock: 8_192,
        denseResidents: 2,
        shortestSum: 256,
        shortestProductSum: 64,
        lightBlock: 1_024,
        lightResidents: 16
    )

    /// ONNX Runtime on a CPU: work is cut as finely as it takes, so cores fill evenly.
    static let onnxRuntimeCPU = Machine.Software(
        denseEfficiency: 0.64,
        depthwiseEfficiency: 0.2,
        winogradGain: 1,
        memoryEfficiency: 0.8,
        denseBlock: 256,
        denseResidents: 1,
        shortestSum: 1_024,
        shortestProductSum: 1_024,
        lightBlock: 1_024,
        lightResidents: 1
    )
}
