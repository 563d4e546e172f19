import GRPCFront
import HTTPFront
import Logging
import UnixSignals

/// Has the fronts read their certificates again when the files change, looked at every ten
/// seconds, and at SIGHUP in any case. Runs until its task is cancelled.
struct CertificateRenewal: Sendable {
    let httpFront: HTTPFront?
    let grpcFront: GRPCFront?
    let logger: Logger

    private static let period = Duration.seconds(10)

    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await watchFiles() }
            group.addTask { await heedSignals() }
        }
    }

    private func watchFiles() async {
        while (try? await Task.sleep(for: Self.period)) != nil { renew(always: false) }
    }

    private func heedSignals() async {
        for await _ in await UnixSignalsSequence(trapping: .sighup) { renew(always: true) }
    }

    /// Files that are no good leave the old certificates in use; that is said once for each state
    /// of the files.
    private func renew(always: Bool) {
        do throws(HTTPFrontError) {
            if try httpFront?.renewCertificates(always: always) == true { note("HTTPS") }
        } catch {
            warn("\(error)")
        }
        do throws(GRPCFrontError) {
            if try grpcFront?.renewCertificates(always: always) == true { note("gRPC") }
        } catch {
            warn("\(error)")
        }
    }

    private func note(_ wire: String) {
        logger.notice("\(wire): the certificate files were read again; new connections use them")
    }

    private func warn(_ what: String) {
        logger.error("the certificates were not renewed, the old ones stay in use: \(what)")
    }
}
