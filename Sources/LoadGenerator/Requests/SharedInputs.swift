import Foundation
import NIOCore

/// A model's inputs in a region of system shared memory (the protocol's extension), so that
/// requests only name it: for loads whose bytes the loopback could not carry.
///
/// The object lives under `/dev/shm` as long as somebody holds this.
final class SharedInputs: Sendable {
    /// What the server calls the region.
    let name: String
    /// Where each tensor lies, in bytes from the begin.
    let ranges: [Range<Int>]

    private var path: String { "/dev/shm/\(name)" }

    /// Writes the tensors one after the other.
    ///
    /// - Throws: `LoadError` where there is no shared memory, or too little.
    init(_ tensors: [InputTensor]) throws(LoadError) {
        name = "sluice-load-\(getpid())-\(UInt64.random(in: 0...(.max)))"
        var bytes = Data()
        var ranges: [Range<Int>] = []
        for tensor in tensors {
            ranges.append(bytes.count..<(bytes.count + tensor.bytes.count))
            bytes.append(contentsOf: tensor.bytes)
        }
        self.ranges = ranges
        // An object of no bytes can't be mapped.
        if bytes.isEmpty { bytes.append(0) }
        do {
            try bytes.write(
                to: URL(fileURLWithPath: "/dev/shm/\(name)"),
                options: .withoutOverwriting
            )
        } catch {
            throw LoadError(
                "'/dev/shm/\(name)' can't be written: \(error.localizedDescription); free some "
                    + "shared memory, or use the payload binary"
            )
        }
    }

    deinit { unlink(path) }

    /// Tells the server of the region.
    ///
    /// - Throws: `LoadError` with the server's words.
    func register(_ requests: HTTPRequests, by connector: Connector) async throws {
        let size = max(1, ranges.last?.upperBound ?? 1)
        let body = "{\"key\":\"/\(name)\",\"offset\":0,\"byte_size\":\(size)}"
        let request = requests.post("systemsharedmemory/region/\(name)/register", body: body)
        let reply = try await SingleCall.ask(request, by: connector)
        guard case .http(200) = reply.code else {
            throw LoadError(
                "\(connector.address.authority) takes no shared memory: \(reply.note); start it "
                    + "with --allow-client-shm true, on this machine"
            )
        }
    }

    /// Has the server forget the region; a server that has gone forgets it anyway.
    func unregister(_ requests: HTTPRequests, by connector: Connector) async {
        let request = requests.post("systemsharedmemory/region/\(name)/unregister", body: "")
        _ = try? await SingleCall.ask(request, by: connector)
    }
}
