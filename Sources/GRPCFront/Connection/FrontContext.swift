import Logging
import NIOCore
import ServerRuntime
import Synchronization
import Transport

/// What all connections of a front share.
final class FrontContext: Sendable {
    /// Where requests go.
    let runtime: ServingRuntime
    /// The limits.
    let configuration: GRPCConfiguration
    /// Makes connections secure; nil = they are plain.
    let tls: TLSAcceptor?
    /// How outcomes are told.
    let statuses: StatusMap
    /// The bytes that all connections hold.
    let budget: ByteBudget
    /// For what an operator wants to know.
    let logger: Logger
    /// The control calls that run.
    let controlCalls = Atomic<Int>(0)

    private let mailboxes: [ObjectIdentifier: ReplyMailbox]

    /// Creates what connections on the loops of `group` share.
    init(
        runtime: ServingRuntime,
        configuration: GRPCConfiguration,
        group: any EventLoopGroup,
        logger: Logger
    ) throws(GRPCFrontError) {
        self.runtime = runtime
        self.configuration = configuration
        do throws(TLSFailure) {
            tls =
                if let files = configuration.tls {
                    try TLSAcceptor(
                        files,
                        speaking: .http2,
                        handshakeTimeout: configuration.handshakeTimeout,
                        logger: logger
                    )
                } else { nil }
        } catch {
            throw GRPCFrontError("gRPC over TLS: \(error)")
        }
        self.logger = logger
        statuses = StatusMap(tritonCompat: configuration.tritonCompatErrors)
        budget = ByteBudget(limit: configuration.maxRequestBytes)
        var mailboxes: [ObjectIdentifier: ReplyMailbox] = [:]
        for loop in group.makeIterator() {
            mailboxes[ObjectIdentifier(loop)] = ReplyMailbox(loop)
        }
        self.mailboxes = mailboxes
    }

    /// The mailbox of a loop of the group.
    func mailbox(of loop: any EventLoop) -> ReplyMailbox {
        mailboxes[ObjectIdentifier(loop)] ?? ReplyMailbox(loop)
    }

    /// Whether clients may send more: a slot is free and the byte budget isn't used up.
    var admitsMore: Bool { budget.hasRoom && runtime.hasRoom }
}
