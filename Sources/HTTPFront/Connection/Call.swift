import OpenInference
import ServingDomain

/// The request that a connection is busy with.
struct Call: Sendable {
    /// What its head says.
    let facts: RequestFacts
    /// Where it leads; nil = nowhere, and `refusal` says why.
    let route: Route?
    /// The reply that it gets whatever its body says.
    var refusal: HTTPReply?
    /// Its body so far, decompressed.
    var body = BodyStore()
    /// Bytes of the body that came over the wire.
    var received = 0

    /// Gives the body away.
    mutating func takeBody() -> BodyStore {
        let taken = body
        body = BodyStore()
        return taken
    }
}
