import NIOCore
import OpenInference
import ServingDomain

/// Counts ticks in one and the same situation, so that requests need no timers of their own.
struct TimeoutWatch {
    /// What a connection may stay in for a limited time only.
    enum Situation: Hashable {
        /// No request, nothing read.
        case idle(reads: UInt64)
        /// Part of a head has come.
        case head
        /// Part of a body has come, of the request with that number.
        case body(UInt64)
        /// The client does not read its reply.
        case unread
        /// The last reply is out.
        case lingering
        /// The server works.
        case answering
    }

    /// Reads of the socket so far.
    private(set) var reads: UInt64 = 0
    private var readsAtEnd: UInt64 = 0
    private var situation = Situation.answering
    private var ticks: Int64 = 0

    /// Something has been read from the socket.
    mutating func hasRead() { reads &+= 1 }

    /// A message has come to its end.
    mutating func messageEnded() { readsAtEnd = reads }

    /// Whether bytes have come after the last message's end.
    var hasPartialHead: Bool { reads != readsAtEnd }

    /// Notes the situation at a tick; returns for how many ticks in a row it has been the same.
    mutating func tick(_ now: Situation) -> Int64 {
        ticks = now == situation ? ticks + 1 : 0
        situation = now
        return ticks
    }
}

extension HTTPConnection {
    /// Looks, once per tick, whether something has lasted too long.
    func checkTimeouts() {
        guard let context, state != .closed else { return }
        let configuration = front.configuration
        let situation = situation(isWritable: context.channel.isWritable)
        let lasted = configuration.tick * watch.tick(situation)
        switch situation {
        case .idle where lasted >= configuration.idleTimeout,
            .unread where lasted >= configuration.writeTimeout,
            .lingering where lasted >= configuration.lingerTimeout:
            close()
        case .head where lasted >= configuration.headTimeout:
            expire("the request's head", configuration.headTimeout)
        case .body where lasted >= configuration.bodyTimeout:
            expire("the request's body", configuration.bodyTimeout)
        default: break
        }
    }

    private func situation(isWritable: Bool) -> TimeoutWatch.Situation {
        guard isWritable else { return .unread }
        switch state {
        case .idle: return watch.hasPartialHead ? .head : .idle(reads: watch.reads)
        case .receiving: return .body(callNumber)
        case .answering, .closed: return .answering
        case .lingering: return .lingering
        }
    }

    private func expire(_ what: String, _ limit: TimeSpan) {
        var reply = HTTPReply.error(
            .init(.malformed, "\(what) took longer than \(Int(limit.inSeconds)) s, the limit"),
            compat: false
        )
        reply.status = 408
        abandon(with: reply)
    }
}
