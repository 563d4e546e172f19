// swift-tools-version: 6.2
//
// Benchmarks of the pure rooms. A package of its own, so that nobody who builds Sluice fetches
// the benchmark library. From the repository's root:
//
//   export ROOMS=ServerCore,OpenInference,Simulation,Planning,Experiments
//   swift package --package-path Benchmarks --scratch-path .build-benchmarks benchmark
//
// ROOMS keeps the server's own libraries out of the build.

import PackageDescription

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "sluice-benchmarks",
    dependencies: [
        .package(name: "sluice", path: ".."),
        // No traits: without them it needs no jemalloc on the machine.
        .package(url: "https://github.com/ordo-one/benchmark", exact: "1.38.1", traits: []),
    ],
    targets: [
        .target(name: "CAllocationCounter", path: "CAllocationCounter"),
        .executableTarget(
            name: "ServingBenchmarks",
            dependencies: [
                "CAllocationCounter",
                .product(name: "ServingDomain", package: "sluice"),
                .product(name: "ServerCore", package: "sluice"),
                .product(name: "OpenInference", package: "sluice"),
                .product(name: "VirtualDevices", package: "sluice"),
                .product(name: "Workloads", package: "sluice"),
                .product(name: "Simulation", package: "sluice"),
                .product(name: "Planning", package: "sluice"),
                .product(name: "Experiments", package: "sluice"),
                .product(name: "Benchmark", package: "benchmark"),
            ],
            path: "ServingBenchmarks",
            swiftSettings: strict,
            plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]
        ),
    ]
)
