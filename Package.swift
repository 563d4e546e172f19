// swift-tools-version: 6.2
//
// The list below is the architecture: each room names what it may import, and every arrow points
// to a room of a lower level (Docs/ARCHITECTURE.md, "The house").
//
//   CORE_ONLY=1           the pure rooms and their tests only: no NIO, no engine; seconds to build
//   ROOMS=HTTPFront,...   only the named targets and what they need
//   --traits TLS          HTTPS and gRPC over TLS; BoringSSL is neither fetched nor built without
//
// Both want a scratch folder of their own: `ROOMS=X swift test --scratch-path .build-x`.

import Foundation
import PackageDescription

// MARK: - Libraries

let reals = product("RealModule", "swift-numerics")
let heaps = product("HeapModule", "swift-collections")
let ordered = product("OrderedCollections", "swift-collections")
let histograms = product("Histogram", "hdrhistogram-swift")
let yams = product("Yams", "Yams")
let protobuf = product("SwiftProtobuf", "swift-protobuf")
let arguments = product("ArgumentParser", "swift-argument-parser")
let log = product("Logging", "swift-log")
let lifecycle = product("ServiceLifecycle", "swift-service-lifecycle")
let signals = product("UnixSignals", "swift-service-lifecycle")
let nioCore = product("NIOCore", "swift-nio")
let nioPosix = product("NIOPosix", "swift-nio")
let nioHTTP1 = product("NIOHTTP1", "swift-nio")
let nioEmbedded = product("NIOEmbedded", "swift-nio")
let nioHTTP2 = product("NIOHTTP2", "swift-nio-http2")
let nioHPACK = product("NIOHPACK", "swift-nio-http2")
let nioTLS = product("NIOTLS", "swift-nio", trait: "TLS")
let nioSSL = product("NIOSSL", "swift-nio-ssl", trait: "TLS")

let libraries: [(name: String, dependency: Package.Dependency)] = [
    ("swift-numerics", library("apple/swift-numerics", "1.1.1")),
    ("swift-collections", library("apple/swift-collections", "1.6.0")),
    ("hdrhistogram-swift", library("HdrHistogram/hdrhistogram-swift", "0.2.0")),
    ("Yams", library("jpsim/Yams", "6.2.2")),
    ("swift-protobuf", library("apple/swift-protobuf", "1.39.0")),
    ("swift-argument-parser", library("apple/swift-argument-parser", "1.8.2")),
    ("swift-log", library("apple/swift-log", "1.16.2")),
    ("swift-service-lifecycle", library("swift-server/swift-service-lifecycle", "2.13.0")),
    ("swift-nio", library("apple/swift-nio", "2.101.2")),
    ("swift-nio-http2", library("apple/swift-nio-http2", "1.46.0")),
    ("swift-nio-ssl", library("apple/swift-nio-ssl", "2.37.6")),
]

// MARK: - The rooms

let pure: [Target] = [
    room("ServingDomain"),
    room("ServerCore", needs: ["ServingDomain", reals]),
    room("Planning", needs: ["ServingDomain", heaps, ordered, reals]),
    room("VirtualDevices", needs: ["ServingDomain", reals]),
    room("Workloads", needs: ["ServingDomain", reals]),
    room("Reports"),
    room(
        "Simulation",
        needs: ["ServingDomain", "ServerCore", "Planning", "VirtualDevices", "Workloads", reals]
    ),
    room(
        "Experiments",
        needs: [
            "Simulation", "ServingDomain", "ServerCore", "Planning", "VirtualDevices", "Workloads",
            "Reports", reals,
        ]
    ),
]

let edges: [Target] = [
    .target(name: "CHost"),
    room("OpenInference", needs: ["ServingDomain"]),
    room("Documents", needs: ["ServingDomain", "Workloads", yams]),
    room("WireMessages", needs: [protobuf]),
    room(
        "ServerRuntime",
        needs: ["ServingDomain", "ServerCore", "Planning", "Documents", "CHost", log]
    ),
    room("Transport", needs: ["ServingDomain", "CHost", nioCore, nioPosix, nioTLS, nioSSL, log]),
    room(
        "HTTPFront",
        needs: [
            "ServingDomain", "OpenInference", "ServerRuntime", "Transport", "CZlib",
            nioCore, nioPosix, nioHTTP1, log,
        ]
    ),
    room(
        "GRPCFront",
        needs: [
            "ServingDomain", "OpenInference", "ServerRuntime", "Transport",
            "WireMessages", "CZlib", protobuf, nioCore, nioPosix, nioHTTP2, nioHPACK, log,
        ]
    ),
    .target(name: "CONNXRuntime"),
    .target(name: "CCUDADriver"),
    room(
        "EngineONNX",
        needs: ["ServingDomain", "ServerRuntime", "CONNXRuntime", "CCUDADriver", log]
    ),
    room("Profiler", needs: ["ServingDomain", "ServerRuntime", "Documents"]),
    room("EngineEmulated", needs: ["ServingDomain", "ServerRuntime", "VirtualDevices"]),
    room(
        "ModelRepository",
        needs: ["ServingDomain", "ServerRuntime", log]
    ),
    room("ModelZoo", needs: ["ServingDomain", "WireMessages", protobuf]),
    room(
        "LoadGenerator",
        needs: [
            "ServingDomain", "Workloads", "OpenInference", "WireMessages", "Transport", protobuf,
            histograms, nioCore, nioPosix, nioHTTP1, nioHTTP2, nioHPACK,
        ]
    ),
    room(
        "LiveExperiments",
        needs: [
            "Experiments", "LoadGenerator", "Documents", "Reports", "Workloads", "Simulation",
            "Planning", "ServingDomain", "VirtualDevices", "ServerRuntime", "EngineONNX",
            "Profiler", "ModelZoo", "CHost",
        ]
    ),
    .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
    .executableTarget(
        name: "sluice",
        dependencies: [
            "ServingDomain", "ServerCore", "ServerRuntime", "Transport",
            "HTTPFront", "GRPCFront", "EngineONNX", "EngineEmulated", "ModelRepository", "ModelZoo",
            "LoadGenerator", "Profiler", "Documents", "Planning", "Simulation", "Experiments",
            "Reports", "LiveExperiments",
            "VirtualDevices", "Workloads", arguments, log, lifecycle, signals, nioCore, nioPosix,
        ],
        swiftSettings: strict
    ),
]

let pureTests: [Target] = [
    .target(
        name: "ServingTestKit",
        dependencies: ["ServingDomain", "ServerCore"],
        path: "Tests/ServingTestKit",
        swiftSettings: strict
    ),
    tests("TidyTests"),
    tests("ServingDomainTests", of: ["ServingDomain", "ServingTestKit"]),
    tests(
        "ServerCoreTests",
        of: ["ServerCore", "ServingDomain", "ServingTestKit"],
        exclude: ["Golden"]
    ),
    tests("PlanningTests", of: ["Planning", "ServingDomain", "ServingTestKit"]),
    tests("VirtualDevicesTests", of: ["VirtualDevices", "ServingDomain", "ServingTestKit"]),
    tests("WorkloadsTests", of: ["Workloads", "ServingDomain", "ServingTestKit"]),
    tests("ReportsTests", of: ["Reports"], exclude: ["Golden"]),
    tests(
        "SimulationTests",
        of: [
            "Simulation", "ServerCore", "Planning", "VirtualDevices", "Workloads", "ServingDomain",
            "ServingTestKit",
        ]
    ),
    tests(
        "ExperimentsTests",
        of: [
            "Experiments", "Simulation", "ServerCore", "Planning", "VirtualDevices", "Workloads",
            "ServingDomain", "Reports", "ServingTestKit",
        ]
    ),
]

let edgeTests: [Target] = [
    tests("OpenInferenceTests", of: ["OpenInference", "ServingDomain", "ServingTestKit"]),
    tests("DocumentsTests", of: ["Documents", "ServingDomain", "Workloads"]),
    tests(
        "ServerRuntimeTests",
        of: [
            "ServerRuntime", "ServerCore", "EngineEmulated", "ServingDomain", "VirtualDevices",
            "ServingTestKit", "CHost",
        ]
    ),
    tests(
        "HTTPFrontTests",
        of: [
            "HTTPFront", "ServerRuntime", "EngineEmulated", "ServingDomain", "OpenInference",
            "ServingTestKit", "Transport", "CZlib", nioCore, nioPosix, nioHTTP1,
            nioEmbedded, nioTLS, nioSSL,
        ]
    ),
    tests(
        "GRPCFrontTests",
        of: [
            "GRPCFront", "ServerRuntime", "EngineEmulated", "WireMessages", "ServingDomain",
            "OpenInference", "ServingTestKit", "Transport", protobuf, nioCore, nioPosix,
            nioHTTP2, nioHPACK, nioEmbedded, nioTLS, nioSSL,
        ]
    ),
    tests(
        "EngineEmulatedTests",
        of: ["EngineEmulated", "ServerRuntime", "ServingDomain", "VirtualDevices"]
    ),
    tests("ProfilerTests", of: ["Profiler", "ServerRuntime", "Documents", "ServingDomain"]),
    tests(
        "EngineONNXTests",
        of: [
            "EngineONNX", "CONNXRuntime", "ServerRuntime", "ServerCore", "ServingDomain",
            "Profiler", "Documents", log,
        ]
    ),
    standIn("StandInDriver", path: "Present"),
    standIn("OldStandInDriver", path: "Old"),
    tests(
        "ModelRepositoryTests",
        of: [
            "ModelRepository", "ServerRuntime", "WireMessages", "ServingDomain", "ServingTestKit",
            protobuf,
        ]
    ),
    tests(
        "ModelZooTests",
        of: ["ModelZoo", "WireMessages", "Planning", "ServingDomain", protobuf]
    ),
    tests(
        "LoadGeneratorTests",
        of: ["LoadGenerator", "Workloads", "ServingDomain", nioCore, nioPosix, nioHTTP1]
    ),
    tests(
        "LiveExperimentsTests",
        of: [
            "LiveExperiments", "Experiments", "LoadGenerator", "Documents", "Workloads",
            "ServingDomain", "ServerRuntime", "EngineEmulated", "VirtualDevices", "HTTPFront",
            "ServingTestKit", nioCore, nioPosix, log,
        ]
    ),
]

// MARK: - The package

let offeredRooms = [
    "ServingDomain", "ServerCore", "Planning", "VirtualDevices", "Workloads", "Simulation",
    "Experiments", "Reports", "OpenInference",
]

let package = Package(
    name: "sluice",
    products: offered,
    traits: [
        .trait(
            name: "TLS",
            description: "HTTPS and gRPC over TLS; builds BoringSSL, which takes minutes."
        )
    ],
    dependencies: chosen.libraries,
    targets: chosen.targets
)

// MARK: - How the parts above are written down

/// Swift 6 mode comes with the tools version; the rest keeps imports honest and warnings fatal.
nonisolated var strict: [SwiftSetting] {
    [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .treatAllWarnings(as: .error),
    ]
}

/// What `Benchmarks/` imports; the executable needs no line here. Stand-ins are libraries that
/// tests open by their paths, as the server opens what they stand in for.
var offered: [Product] {
    let names = chosen.targets.map(\.name)
    return names.filter(offeredRooms.contains).map { .library(name: $0, targets: [$0]) }
        + names.filter { $0.hasSuffix("StandInDriver") }
        .map { .library(name: $0, type: .dynamic, targets: [$0]) }
}

func standIn(_ name: String, path: String) -> Target {
    .target(name: name, path: "Tests/StandInDriver/\(path)")
}

func room(_ name: String, needs: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: needs, swiftSettings: strict)
}

func tests(
    _ name: String,
    of rooms: [Target.Dependency] = [],
    exclude: [String] = []
) -> Target {
    .testTarget(name: name, dependencies: rooms, exclude: exclude, swiftSettings: strict)
}

func product(_ name: String, _ package: String) -> Target.Dependency {
    .product(name: name, package: package)
}

/// A product that is there only in builds with a trait.
func product(_ name: String, _ package: String, trait: String) -> Target.Dependency {
    .product(name: name, package: package, condition: .when(traits: [trait]))
}

func library(_ repository: String, _ version: Version) -> Package.Dependency {
    .package(url: "https://github.com/\(repository)", exact: version)
}

/// Everything, or the part that `CORE_ONLY` or `ROOMS` asks for, with what that part needs.
var chosen: (targets: [Target], libraries: [Package.Dependency]) {
    let environment = ProcessInfo.processInfo.environment
    var targets = pure + edges + pureTests + edgeTests
    if environment["CORE_ONLY"] != nil {
        targets = pure + pureTests
    } else if let rooms = environment["ROOMS"] {
        targets = closure(of: rooms.split(separator: ",").map(String.init), in: targets)
    }
    let needed = Set(targets.flatMap(\.dependencies).compactMap(packageName))
    return (targets, libraries.filter { needed.contains($0.name) }.map(\.dependency))
}

func closure(of names: [String], in targets: [Target]) -> [Target] {
    var wanted = Set(names)
    var frontier = names
    while let name = frontier.popLast() {
        guard let target = targets.first(where: { $0.name == name }) else { continue }
        if name == "EngineONNXTests" { wanted.formUnion(["StandInDriver", "OldStandInDriver"]) }
        for next in target.dependencies.compactMap(targetName) where wanted.insert(next).inserted {
            frontier.append(next)
        }
    }
    return targets.filter { wanted.contains($0.name) }
}

func targetName(_ dependency: Target.Dependency) -> String? {
    switch dependency {
    case .targetItem(let name, _), .byNameItem(let name, _): name
    default: nil
    }
}

func packageName(_ dependency: Target.Dependency) -> String? {
    if case .productItem(_, let package, _, _) = dependency { package } else { nil }
}
