import NIOCore
import OpenInference
import ServerRuntime
import ServingDomain

/// A request that has been decoded and held against its model, ready to be handed over.
struct InferPlan {
    /// The model's version that answers.
    let servable: Servable
    /// What the core is told.
    let ticket: Ticket
    /// The client's own name for the request.
    let name: String
    /// The request in the order of the signature.
    let bound: BoundRequest
    /// The parts of shared memory that it reads and writes.
    let views: SharedViews
    /// Whether the reply is to say the predicted latency.
    let wantsPrediction: Bool
}

/// The parts of shared memory that a request reads and writes, held for as long as it runs.
struct SharedViews: Sendable {
    /// By input of the signature.
    var inputs: [Int: SharedMemory.View] = [:]
    /// By output of the signature.
    var outputs: [Int: SharedMemory.View] = [:]

    /// Takes hold of all parts that a request names.
    init(_ bound: BoundRequest, in memory: SharedMemory) throws(SharedMemory.Failure) {
        for (index, source) in bound.sources.enumerated() {
            guard case .shared(let range) = source else { continue }
            inputs[index] = try memory.view(
                range.region,
                offset: range.offset,
                byteSize: range.byteSize
            )
        }
        for wanted in bound.outputs {
            guard let range = wanted.shared else { continue }
            outputs[wanted.index] = try memory.view(
                range.region,
                offset: range.offset,
                byteSize: range.byteSize
            )
        }
    }
}

extension ConnectionHandler {
    /// Decodes a request, holds it against its model, and makes its exchange.
    ///
    /// - Parameter id: Receives the client's name for the request as soon as it is known.
    func makeExchange(
        _ message: Message,
        for stream: CallStream,
        arrival: Instant,
        id: inout String
    ) throws(Status) -> InferExchange {
        let request = try decode(message)
        id = request.id
        let servable = try find(request)
        let bound: BoundRequest
        do throws(WireError) {
            bound = try request.bind(
                to: servable.signature,
                maxBatch: servable.spec.maxBatch,
                message: message
            )
        } catch {
            servable.statistics.countInvalid()
            throw shared.statuses.status(error)
        }
        let views: SharedViews
        do throws(SharedMemory.Failure) {
            views = try SharedViews(bound, in: shared.runtime.sharedMemory)
        } catch {
            servable.statistics.countInvalid()
            throw shared.statuses.status(error)
        }
        let plan = InferPlan(
            servable: servable,
            ticket: Ticket(
                items: bound.items,
                shapes: InputShapes(bound.dims),
                priority: request.options.priority,
                timeout: timeout(of: request, on: stream, from: arrival),
                arrival: arrival
            ),
            name: request.id,
            bound: bound,
            views: views,
            wantsPrediction: stream.head.wantsPrediction || request.options.wantsPrediction
        )
        return InferExchange(plan, message: message, for: stream, on: self)
    }

    private func decode(_ message: Message) throws(Status) -> InferRequest {
        do throws(WireError) {
            guard message.rest.isEmpty else { return try SplitInferDecoder.decode(message) }
            let result = message.first.withUnsafeReadableBytes { bytes in
                Result { () throws(WireError) in try ProtobufInferDecoder.decode(bytes) }
            }
            return try result.get()
        } catch {
            throw shared.statuses.status(error)
        }
    }

    private func find(_ request: InferRequest) throws(Status) -> Servable {
        let version = try ModelVersion.parse(request.modelVersion)
        do throws(LookupFailure) {
            return try shared.runtime.servable(named: request.modelName, version: version)
        } catch {
            throw shared.statuses.status(
                error,
                model: request.modelName,
                version: request.modelVersion
            )
        }
    }

    /// The smaller of what the call's deadline leaves and what the request asks for.
    private func timeout(
        of request: InferRequest,
        on stream: CallStream,
        from arrival: Instant
    ) -> TimeSpan? {
        switch (stream.timeout(at: arrival), request.options.timeout) {
        case (let call?, let own?): min(call, own)
        case (let one?, nil), (nil, let one?): one
        case (nil, nil): nil
        }
    }
}

/// The version in a request: empty, or a whole number.
enum ModelVersion {
    /// Reads a version; nil where the server is to choose.
    static func parse(_ text: String) throws(Status) -> Int64? {
        guard !text.isEmpty else { return nil }
        guard let version = Int64(text), version >= 0 else {
            throw Status(
                .invalidArgument,
                "model version '\(text.prefix(64))' is no whole number from 0"
            )
        }
        return version
    }
}
