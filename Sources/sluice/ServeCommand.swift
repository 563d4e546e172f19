import ArgumentParser
import EngineONNX
import Foundation
import GRPCFront
import HTTPFront
import Logging
import ModelRepository
import ServerCore
import ServerRuntime
import ServiceLifecycle
import ServingDomain
import UnixSignals

/// Serves the models of a repository over HTTP and gRPC.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve the models of a repository.",
        discussion: "Takes Triton's own flags; see README.md, 'Switching from Triton'."
    )

    @OptionGroup(title: "As in Triton") var triton: TritonOptions
    @OptionGroup(title: "Sluice's own") var own: SluiceOptions
    @OptionGroup(title: "GPUs") var gpus: GPUOptions

    func run() async throws {
        let logs = try logSettings()
        var logger = Logger(label: "sluice") { _ in StructuredLog(settings: logs) }
        logger.logLevel = .trace
        for name in triton.ignored { logger.warning("\(name) has no effect here") }
        let server = Server(
            runtime: try runtime(logs, logger),
            http: try httpConfiguration(),
            grpc: try grpcConfiguration(),
            drainTime: .seconds(Int64(own.drainSeconds)),
            exitTime: .seconds(Int64(triton.exitTimeoutSecs)),
            logger: logger
        )
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [
                    .init(
                        service: server,
                        successTerminationBehavior: .gracefullyShutdownGroup,
                        failureTerminationBehavior: .gracefullyShutdownGroup
                    )
                ],
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: Logger(label: "lifecycle") { _ in SwiftLogNoOpLogHandler() }
            )
        )
        do {
            try await group.run()
        } catch let failure as ServiceGroupError {
            throw CommandFailure("the server ended: \(failure)")
        }
    }

    // MARK: Flags into configurations

    private func logSettings() throws -> LogSettings {
        guard ["default", "ISO8601"].contains(triton.logFormat) else {
            throw CommandFailure(
                "log format '\(triton.logFormat)' is not known; use default or ISO8601"
            )
        }
        return LogSettings(
            info: triton.logInfo,
            warning: triton.logWarning,
            error: triton.logError,
            verbose: triton.logVerbose,
            iso8601: triton.logFormat == "ISO8601"
        )
    }

    private func runtime(_ logs: LogSettings, _ logger: Logger) throws -> ServingRuntime {
        guard !triton.repositories.isEmpty else {
            throw CommandFailure("no repository is named; give --model-repository DIR")
        }
        do {
            let emulation = try own.emulate.map { try Emulation($0) }
            let source = try ModelRepository(
                paths: triton.repositories,
                configName: triton.modelConfigName,
                defaultMaxBatch: Int64(try defaultMaxBatch()),
                logger: logger
            )
            let (engine, base) = try engine(emulation, logger)
            var configuration = try runtimeConfiguration(base)
            if emulation == nil {
                try addKnowledge(to: &configuration, engine, logger)
            } else if !own.profiles.isEmpty {
                logger.warning("--profiles has no effect with --emulate: presets say it all")
            }
            if emulation == nil { letLowGiveWay(in: &configuration, logger) }
            return try ServingRuntime(
                configuration,
                engine: engine,
                source: source,
                logSettings: logs,
                logger: logger
            )
        } catch let error as EngineError {
            throw CommandFailure(error.message)
        } catch let error as SourceError {
            throw CommandFailure(error.message)
        } catch let error as ConfigurationError {
            throw CommandFailure(error.message)
        }
    }

    /// Policies that know classes let low work give way on the CPU, unless told not to.
    private func letLowGiveWay(in configuration: inout RuntimeConfiguration, _ logger: Logger) {
        // Triton's and gpu-lets' disciplines treat all requests alike.
        let isBlind = ["fifo", "duty"].contains(OptionedName(configuration.core.policy).name)
        guard own.lowGivesWay, !isBlind, !configuration.letLowGiveWay() else { return }
        logger.info(
            """
            low-priority batches share the CPU's cores with high ones within their runs: to let \
            them give way, the process needs CAP_SYS_NICE
            """
        )
    }

    /// The engine, and the configuration of the devices that it runs on.
    private func engine(
        _ emulation: Emulation?,
        _ logger: Logger
    ) throws -> (any Engine, RuntimeConfiguration) {
        if let emulation {
            let names = emulation.devices.map { "\($0.name) (\($0.kind))" }
            logger.notice("emulated devices: \(names.joined(separator: ", "))")
            return (emulation.engine(), emulation.configuration)
        }
        var request = try gpus.request(usual: .auto)
        request.cudaGraphs = own.cudaGraphs
        let engine = try ONNXEngine(library: own.onnxruntime, gpus: request, log: logger)
        if own.cudaGraphs, engine.gpuSpecs.isEmpty {
            logger.warning("--cuda-graphs has no effect: no GPU serves")
        }
        logger.info("ONNX Runtime \(engine.libraryVersion) from \(engine.libraryPath)")
        return (engine, .gpus(engine.gpuSpecs))
    }

    private func runtimeConfiguration(
        _ base: RuntimeConfiguration
    ) throws -> RuntimeConfiguration {
        let layers = try own.layers()
        var configuration = base
        configuration.core.planner = layers.planner
        configuration.core.scaler = layers.scaler
        configuration.core.policy = layers.policy
        // Planners by demand need to be told what it is.
        if OptionedName(layers.planner).name != "whole" { configuration.core.epochs = .live }
        configuration.core.limits.requests = own.maxRequests
        configuration.core.limits.queue = min(own.maxQueue, own.maxRequests)
        configuration.control = try control()
        configuration.strictReadiness = triton.strictReadiness
        configuration.journalPath = own.journal
        configuration.traceFile = traceFile
        configuration.allowsSharedMemory = triton.allowClientShm
        configuration.inlineBelow = .microseconds(own.inlineBelowUs)
        configuration.build = Build.version
        return configuration
    }

    private func control() throws -> RuntimeConfiguration.ModelControl {
        switch triton.modelControlMode {
        case "none": return .all
        case "explicit": return .explicit(triton.loadModel)
        case "poll":
            guard triton.repositoryPollSecs >= 1 else {
                throw CommandFailure("--repository-poll-secs must be at least 1 in poll mode")
            }
            return .poll(every: .seconds(Int64(triton.repositoryPollSecs)))
        default:
            throw CommandFailure(
                "model control mode '\(triton.modelControlMode)' is not known; use none, explicit "
                    + "or poll"
            )
        }
    }

    /// The file of `--trace-config triton,file=PATH`.
    private var traceFile: String {
        triton.traceConfig.compactMap { text in
            text.split(separator: ",").first { $0.hasPrefix("file=") }?.dropFirst(5)
        }.last.map(String.init) ?? ""
    }

    /// `--backend-config default-max-batch-size=N`, else `--default-max-batch-size`.
    private func defaultMaxBatch() throws -> Int32 {
        for text in triton.backendConfig {
            let setting = text.split(separator: ",").last ?? ""
            guard setting.hasPrefix("default-max-batch-size=") else { continue }
            guard let size = Int32(setting.dropFirst(23)) else {
                throw CommandFailure("--backend-config '\(text)' names no whole number")
            }
            return size
        }
        return triton.defaultMaxBatchSize
    }

    private func httpConfiguration() throws -> HTTPConfiguration? {
        guard triton.allowHttp else { return nil }
        var configuration = HTTPConfiguration()
        configuration.host = triton.httpAddress
        configuration.port = triton.httpPort
        configuration.tls = try own.httpsFiles()
        configuration.metricsHost = triton.metricsAddress ?? triton.httpAddress
        configuration.metricsPort = triton.allowMetrics ? triton.metricsPort : nil
        configuration.maxInputSize = triton.httpMaxInputSize
        configuration.maxConnections = own.maxConnections
        configuration.tritonCompatErrors = own.tritonCompatErrors
        configuration.restrictions = try triton.httpRestrictedApi.map {
            flag throws(HTTPFrontError) in
            try APIRestriction(flag: flag)
        }
        configuration.serverVersion = Build.version
        return configuration
    }

    private func grpcConfiguration() throws -> GRPCConfiguration? {
        guard triton.allowGrpc else { return nil }
        var configuration = GRPCConfiguration()
        configuration.host = triton.grpcAddress
        configuration.port = triton.grpcPort
        configuration.tls = try triton.grpcFiles()
        configuration.maxMessageBytes = triton.grpcMaxMessageSize
        configuration.maxConnections = own.maxConnections
        configuration.tritonCompatErrors = own.tritonCompatErrors
        configuration.identity.version = Build.version
        configuration.identity.extensions = HTTPConfiguration.extensions
        return configuration
    }
}
