import Foundation
import GRPCFront
import HTTPFront
import Logging
import NIOCore
import NIOPosix
import ServerRuntime
import ServiceLifecycle
import ServingDomain
import Transport

/// One server from its start to its end: models first, then sockets; at the end not ready first,
/// then a while in which everything is still served, then no new work, then nothing.
struct Server: Service {
    let runtime: ServingRuntime
    let http: HTTPConfiguration?
    let grpc: GRPCConfiguration?
    /// How long requests are still taken after the server calls itself not ready.
    let drainTime: TimeSpan
    /// How long requests that are here get to finish.
    let exitTime: TimeSpan
    let logger: Logger

    func run() async throws {
        // One event loop for both fronts: on two cores one does better than two (design, 5).
        let group = EventLoops.single()
        do {
            try await serve(on: group)
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
        try? await group.shutdownGracefully()
    }

    private func serve(on group: MultiThreadedEventLoopGroup) async throws {
        let httpFront = try await startHTTP(on: group)
        let grpcFront: GRPCFront?
        do {
            grpcFront = try await startGRPC(on: group)
        } catch {
            _ = await httpFront?.shutDown(gracePeriod: .zero)
            throw error
        }
        let renewal = Task { [self] in
            guard http?.tls != nil || grpc?.tls != nil else { return }
            await CertificateRenewal(httpFront: httpFront, grpcFront: grpcFront, logger: logger)
                .run()
        }
        // The sockets answer "not ready" while the models are being loaded.
        let loading = Task { [runtime] in await runtime.start() }
        await withGracefulShutdownHandler {
            await loading.value
            announce(httpFront, grpcFront)
        } onGracefulShutdown: {
            runtime.beginDraining()
        }
        await withTaskCancellationOrGracefulShutdownHandler {
            await runtime.pollSource()
            try? await gracefulShutdown()
        } onCancelOrGracefulShutdown: {
            runtime.beginDraining()
        }
        renewal.cancel()
        await end(httpFront, grpcFront)
    }

    private func end(_ httpFront: HTTPFront?, _ grpcFront: GRPCFront?) async {
        runtime.beginDraining()
        logger.notice("not ready any more; serving for another \(Int(drainTime.inSeconds)) s")
        // Cancellation must not shorten the end: it runs in a task of its own.
        await Task {
            let pause = Duration.nanoseconds(drainTime.nanoseconds)
            try? await Task.sleep(for: pause)
            await httpFront?.stopAccepting()
            let left = await runtime.shutDown(patience: exitTime)
            _ = await httpFront?.shutDown(gracePeriod: .seconds(2))
            await grpcFront?.shutDown(patience: .seconds(2))
            if left > 0 {
                logger.error("\(left) requests had not finished after \(Int(exitTime.inSeconds)) s")
            }
            logger.notice("stopped")
        }.value
    }

    private func startHTTP(on group: MultiThreadedEventLoopGroup) async throws -> HTTPFront? {
        guard let http else { return nil }
        return try await HTTPFront.start(
            runtime: runtime,
            configuration: http,
            group: group,
            logger: logger
        )
    }

    private func startGRPC(on group: MultiThreadedEventLoopGroup) async throws -> GRPCFront? {
        guard let grpc else { return nil }
        return try await GRPCFront.start(
            runtime: runtime,
            configuration: grpc,
            group: group,
            logger: logger
        )
    }

    /// Tells people and scripts where the server listens. The last line is `ready`, or begins with
    /// `not ready` where a model that was asked for does not answer.
    private func announce(_ httpFront: HTTPFront?, _ grpcFront: GRPCFront?) {
        let names = Set(runtime.servables().map(\.spec.name)).sorted()
        let served = names.isEmpty ? "no model" : names.joined(separator: ", ")
        var lines = ["sluice \(Build.version) serves \(served)"]
        let failures = runtime.failures
        for failure in failures { lines.append("  failed   \(failure.reason)") }
        if let addresses = httpFront?.addresses {
            let scheme = http?.tls == nil ? "http" : "https"
            lines.append("  HTTP     \(scheme)://\(addresses.host):\(addresses.port)")
            if let host = addresses.metricsHost, let port = addresses.metricsPort {
                lines.append("  metrics  http://\(host):\(port)/metrics")
            }
        }
        if let grpcFront, let host = grpcFront.address.ipAddress, let port = grpcFront.address.port
        {
            lines.append("  gRPC     \(host):\(port)")
        }
        lines.append(runtime.isReady ? "ready\n" : Self.notReady(failures.count))
        FileHandle.standardOutput.write(Data(lines.joined(separator: "\n").utf8))
    }

    private static func notReady(_ failed: Int) -> String {
        guard failed > 0 else { return "not ready: the server is going down\n" }
        return
            "not ready: \(failed) of the models failed; mend and load them again, unload them, or "
            + "start with --strict-readiness false\n"
    }
}
