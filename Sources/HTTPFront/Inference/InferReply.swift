import NIOCore
import OpenInference
import ServerRuntime
import ServingDomain

/// Writes the reply of an inference that has a result.
///
/// The usual reply, all binary and in order, is put together in the buffer that holds the results:
/// head and JSON go before them, nothing is copied again.
struct InferReply {
    private let exchange: HTTPExchange
    private let keepsAlive: Bool
    private let load: String?
    private var lines: [UInt8] = []

    /// - Parameter load: How busy the server is, where the client asked.
    init(_ exchange: HTTPExchange, keepsAlive: Bool, load: String?) {
        self.exchange = exchange
        self.keepsAlive = keepsAlive
        self.load = load
    }

    /// The whole reply.
    ///
    /// - Parameters:
    ///   - late: Whether it comes after the model's objective.
    ///   - predicted: The latency forecast at launch.
    ///   - scratch: Storage that is used again.
    /// - Returns: The reply's bytes, or `internalFault` where an output is missing and
    ///   `invalidArgument` where one can't be written as it was asked for.
    mutating func write(
        late: Bool,
        predicted: TimeSpan?,
        scratch: inout [UInt8]
    ) -> Result<ByteBuffer, WireError> {
        do throws(WireError) {
            return .success(try compose(late: late, predicted: predicted, scratch: &scratch))
        } catch {
            return .failure(error)
        }
    }

    /// Whether writing it takes so long that it had better not be done on the event loop.
    static func isLarge(_ exchange: HTTPExchange) -> Bool {
        guard exchange.results.readableBytes > largeResult else { return false }
        let isPlain = exchange.request.outputs.allSatisfy { $0.isBinary && $0.classes == 0 }
        return !isPlain || exchange.facts.accepted != .identity
    }

    /// Results beyond this size take a millisecond or more to write as text or to compress.
    private static let largeResult = 32 << 10

    private mutating func compose(
        late: Bool,
        predicted: TimeSpan?,
        scratch: inout [UInt8]
    ) throws(WireError) -> ByteBuffer {
        if let failure = exchange.failure { throw failure }
        addLines(late: late, predicted: predicted)
        var storage: [UInt8] = []
        swap(&storage, &scratch)
        var encoder = JSONInferEncoder(reusing: storage)
        storage = []
        encoder.begin(
            id: exchange.id,
            model: exchange.servable.spec.name,
            version: exchange.servable.spec.version
        )
        let sections = try describeOutputs(&encoder)
        encoder.end()
        scratch = encoder.bytes
        if exchange.facts.accepted != .identity,
            let reply = compressed(json: scratch, sections)
        {
            return reply
        }
        return assemble(json: &scratch, sections)
    }

    // MARK: Outputs

    /// The bytes behind the JSON.
    private struct Sections {
        /// Where they lie in the results when that is one range, in the order of the reply.
        var range: Range<Int>?
        /// Else the bytes themselves.
        var bytes: [UInt8] = []
        var hasBinary = false

        var count: Int { range?.count ?? bytes.count }
    }

    private func describeOutputs(
        _ encoder: inout JSONInferEncoder
    ) throws(WireError) -> Sections {
        var sections = Sections()
        var pieces: [Piece] = []
        for (place, wanted) in exchange.request.outputs.enumerated() {
            let spec = exchange.servable.signature.outputs[wanted.index]
            guard let output = exchange.outputs[place] else {
                throw WireError(.internalFault, "the engine gave no output '\(spec.name)'")
            }
            let name = spec.name
            if let shared = wanted.shared {
                encoder.append(
                    shared: shared,
                    name: name,
                    type: spec.type,
                    shape: output.shape,
                    byteCount: output.byteCount
                )
            } else if wanted.classes > 0 {
                try classify(spec, wanted, output, &encoder, &pieces)
            } else if wanted.isBinary {
                encoder.append(
                    binary: name,
                    type: spec.type,
                    shape: output.shape,
                    byteCount: output.byteCount
                )
                // One range after the other makes one range.
                if let last = sections.range, last.upperBound == output.range.lowerBound {
                    sections.range = last.lowerBound..<output.range.upperBound
                } else if pieces.isEmpty {
                    sections.range = output.range
                }
                pieces.append(.results(output.range))
            } else {
                try data(of: output, spec, &encoder)
            }
        }
        guard !pieces.isEmpty else { return sections }
        sections.hasBinary = true
        let total = pieces.reduce(0) { $0 + $1.count }
        if sections.range?.count == total, !pieces.contains(where: \.isOwn) { return sections }
        sections.range = nil
        sections.bytes.reserveCapacity(total)
        for piece in pieces { append(piece, to: &sections.bytes) }
        return sections
    }

    private enum Piece {
        case results(Range<Int>)
        case own([UInt8])

        var isOwn: Bool { if case .own = self { true } else { false } }

        var count: Int {
            switch self {
            case .results(let range): range.count
            case .own(let bytes): bytes.count
            }
        }
    }

    private func append(_ piece: Piece, to bytes: inout [UInt8]) {
        switch piece {
        case .own(let own): bytes.append(contentsOf: own)
        case .results(let range):
            exchange.results.withVeryUnsafeBytes { bytes.append(contentsOf: $0[range]) }
        }
    }

    private func data(
        of output: HTTPExchange.Output,
        _ spec: TensorSpec,
        _ encoder: inout JSONInferEncoder
    ) throws(WireError) {
        var failure: WireError?
        exchange.results.withVeryUnsafeBytes { raw in
            do throws(WireError) {
                try encoder.append(
                    data: UnsafeRawBufferPointer(rebasing: raw[output.range]),
                    name: spec.name,
                    type: spec.type,
                    shape: output.shape
                )
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }

    private func classify(
        _ spec: TensorSpec,
        _ wanted: WantedOutput,
        _ output: HTTPExchange.Output,
        _ encoder: inout JSONInferEncoder,
        _ pieces: inout [Piece]
    ) throws(WireError) {
        let ranked = exchange.results.withVeryUnsafeBytes { raw in
            Classification.rank(
                UnsafeRawBufferPointer(rebasing: raw[output.range]),
                type: spec.type,
                shape: output.shape,
                batched: exchange.servable.signature.batched,
                classes: wanted.classes,
                labels: spec.labels
            )
        }
        guard wanted.isBinary else {
            var failure: WireError?
            ranked.bytes.withUnsafeBytes { raw in
                do throws(WireError) {
                    try encoder.append(
                        data: raw,
                        name: spec.name,
                        type: .bytes,
                        shape: ranked.shape
                    )
                } catch {
                    failure = error
                }
            }
            if let failure { throw failure }
            return
        }
        encoder.append(
            binary: spec.name,
            type: .bytes,
            shape: ranked.shape,
            byteCount: ranked.bytes.count
        )
        pieces.append(.own(ranked.bytes))
    }

    // MARK: Bytes

    private mutating func addLines(late: Bool, predicted: TimeSpan?) {
        var reply = HTTPReply()
        if late { reply.add("sluice-late", "1") }
        if exchange.wantsPrediction, let predicted {
            reply.add("sluice-predicted-ms", Self.milliseconds(predicted))
        }
        if exchange.servable.platform == "sluice_emulated" { reply.add("sluice-emulated", "1") }
        if let parent = exchange.facts.traceparent { reply.add("traceparent", parent) }
        if let load { reply.add("endpoint-load-metrics", load) }
        lines = reply.lines
    }

    /// Milliseconds with three decimals.
    static func milliseconds(_ span: TimeSpan) -> String {
        let microseconds = max(0, span.nanoseconds) / 1_000
        let rest = String(microseconds % 1_000)
        return "\(microseconds / 1_000).\(String(repeating: "0", count: 3 - rest.count))\(rest)"
    }

    private func head(
        _ contentLength: Int,
        json: Int?,
        encoding: StaticString? = nil
    ) -> [UInt8] {
        var more = HTTPReply()
        more.lines = lines
        if let json { more.add("Inference-Header-Content-Length", String(json)) }
        if let encoding { more.add("Content-Encoding", encoding.description) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(256 + more.lines.count)
        ReplyHead(
            status: 200,
            contentType: json == nil ? "application/json" : "application/octet-stream",
            contentLength: contentLength,
            keepsAlive: keepsAlive,
            isHTTP10: exchange.facts.isHTTP10
        ).append(to: &bytes, lines: more.lines)
        return bytes
    }

    private func assemble(json: inout [UInt8], _ sections: Sections) -> ByteBuffer {
        let head = head(
            json.count + sections.count,
            json: sections.hasBinary ? json.count : nil
        )
        let lead = head.count + json.count
        if let range = sections.range, range.lowerBound >= lead {
            var buffer = exchange.takeResults()
            buffer.moveWriterIndex(to: range.upperBound)
            buffer.setBytes(head, at: range.lowerBound - lead)
            buffer.setBytes(json, at: range.lowerBound - json.count)
            buffer.moveReaderIndex(to: range.lowerBound - lead)
            return buffer
        }
        var buffer = ByteBuffer()
        buffer.reserveCapacity(lead + sections.count)
        buffer.writeBytes(head)
        buffer.writeBytes(json)
        if let range = sections.range {
            exchange.results.withVeryUnsafeBytes { raw in
                _ = buffer.writeBytes(UnsafeRawBufferPointer(rebasing: raw[range]))
            }
        } else {
            buffer.writeBytes(sections.bytes)
        }
        return buffer
    }

    private func compressed(json: [UInt8], _ sections: Sections) -> ByteBuffer? {
        let total = json.count + sections.count
        guard (Deflater.shortest...Deflater.longest).contains(total) else { return nil }
        var plain = json
        if let range = sections.range {
            append(.results(range), to: &plain)
        } else {
            plain.append(contentsOf: sections.bytes)
        }
        let isGzip = exchange.facts.accepted == .gzip
        guard
            let body = plain.withUnsafeBytes({ Deflater.compress($0, gzip: isGzip) })
        else { return nil }
        var buffer = ByteBuffer()
        buffer.writeBytes(
            head(
                body.count,
                json: sections.hasBinary ? json.count : nil,
                encoding: isGzip ? "gzip" : "deflate"
            )
        )
        buffer.writeBytes(body)
        return buffer
    }
}
