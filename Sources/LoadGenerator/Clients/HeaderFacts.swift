import Foundation
import NIOCore
import NIOHPACK

/// What of a gRPC answer's headers and trailers matters here.
struct HeaderFacts: Hashable {
    var httpStatus: Int?
    var grpcStatus: Int?
    var isLate = false
    var note = ""

    /// Takes over what `other`, which came later, says.
    mutating func merge(_ other: HeaderFacts) {
        httpStatus = other.httpStatus ?? httpStatus
        grpcStatus = other.grpcStatus ?? grpcStatus
        isLate = isLate || other.isLate
        if !other.note.isEmpty { note = other.note }
    }

    /// Reads decoded headers.
    init(_ headers: HPACKHeaders) {
        for (name, value, _) in headers {
            switch name {
            case ":status": httpStatus = Int(value)
            case "grpc-status": grpcStatus = Int(value)
            case "grpc-message": note = value.removingPercentEncoding ?? value
            case "sluice-late": isLate = true
            default: break
            }
        }
    }

    init() {}
}

/// Decodes header blocks, and remembers the last few: most answers repeat the same two.
///
/// A block may be looked up once the peer knows that its table has no room (it acknowledged our
/// settings), since from then on the meaning of a block depends on its bytes alone.
struct HeaderFactsReader {
    /// How many blocks are remembered.
    static let memory = 4

    private var decoder = HPACKDecoder(allocator: ByteBufferAllocator())
    private var known: [(block: ByteBuffer, facts: HeaderFacts)] = []
    private var oldest = 0

    /// Whether blocks may be looked up.
    var isContextFree = false

    /// The facts of one whole block.
    mutating func read(_ block: ByteBuffer) throws -> HeaderFacts {
        if isContextFree {
            for entry in known where entry.block == block { return entry.facts }
        }
        var rest = block
        let facts = HeaderFacts(try decoder.decodeHeaders(from: &rest))
        guard isContextFree else { return facts }
        // A copy of its own: the block is a part of what was read from the socket.
        let entry = (block: ByteBuffer(bytes: block.readableBytesView), facts: facts)
        if known.count < Self.memory {
            known.append(entry)
        } else {
            known[oldest] = entry
            oldest = (oldest + 1) % Self.memory
        }
        return facts
    }
}
