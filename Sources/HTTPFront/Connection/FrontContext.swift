import Logging
import NIOCore
import ServerRuntime
import Synchronization
import Transport

/// What all connections of a front share.
final class FrontContext: Sendable {
    /// Whether the front serves the protocol or metrics.
    enum Role: Sendable { case inference, metrics }

    let runtime: ServingRuntime
    let configuration: HTTPConfiguration
    /// Makes the protocol's connections secure; nil = they are plain.
    let tls: TLSAcceptor?
    let logger: Logger
    private let mailboxes: [ObjectIdentifier: ReplyMailbox]
    private let open = Mutex<[ObjectIdentifier: any Channel]>([:])

    init(
        runtime: ServingRuntime,
        configuration: HTTPConfiguration,
        group: any EventLoopGroup,
        logger: Logger
    ) throws(HTTPFrontError) {
        self.runtime = runtime
        self.configuration = configuration
        do throws(TLSFailure) {
            tls =
                if let files = configuration.tls {
                    try TLSAcceptor(
                        files,
                        speaking: .http1,
                        handshakeTimeout: configuration.headTimeout,
                        logger: logger
                    )
                } else { nil }
        } catch {
            throw HTTPFrontError("HTTPS: \(error)")
        }
        self.logger = logger
        var mailboxes: [ObjectIdentifier: ReplyMailbox] = [:]
        for loop in group.makeIterator() {
            mailboxes[ObjectIdentifier(loop)] = ReplyMailbox(loop)
        }
        self.mailboxes = mailboxes
    }

    /// The mailbox of an event loop.
    func mailbox(of loop: any EventLoop) -> ReplyMailbox {
        mailboxes[ObjectIdentifier(loop)] ?? ReplyMailbox(loop)
    }

    // MARK: Connections

    /// Counts a connection in; false when there are as many as there may be.
    func admit(_ channel: any Channel) -> Bool {
        open.withLock { open in
            guard open.count < configuration.maxConnections else { return false }
            open[ObjectIdentifier(channel)] = channel
            return true
        }
    }

    /// Counts a connection out.
    func leave(_ channel: any Channel) {
        _ = open.withLock { $0.removeValue(forKey: ObjectIdentifier(channel)) }
    }

    /// The connections that are open.
    var channels: [any Channel] { open.withLock { Array($0.values) } }
}

/// Told to every connection when the front goes down: finish what is here, then close.
struct DrainEvent: Sendable {}
