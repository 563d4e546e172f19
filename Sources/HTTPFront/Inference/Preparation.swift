import OpenInference
import ServerRuntime
import ServingDomain

/// The work between a request's last byte and its submission: decode it, hold it against its
/// model, find its shared memory. Touches nothing of the connection, so that large JSON can be
/// worked on away from the event loop.
struct Preparation: Sendable {
    /// JSON beyond this size holds an event loop up for a millisecond or more.
    static let largeJSON = 128 << 10

    /// A request that fits its model.
    struct Prepared: Sendable {
        let decoded: InferRequest
        let bound: BoundRequest
        let memory: SharedViews
    }

    let call: Call
    let servable: Servable
    let front: FrontContext

    /// Whether the work takes long.
    var isLarge: Bool {
        (call.facts.inferenceHeader ?? call.body.count) > Self.largeJSON
    }

    /// Does the work.
    func prepare() -> Result<Prepared, WireError> {
        do throws(WireError) {
            let decoded = try decode()
            let bound = try decoded.bind(
                to: servable.signature,
                maxBatch: servable.spec.maxBatch,
                message: call.body
            )
            let memory = try SharedViews.find(
                bound,
                servable.signature,
                in: front.runtime.sharedMemory
            )
            return .success(Prepared(decoded: decoded, bound: bound, memory: memory))
        } catch {
            return .failure(error)
        }
    }

    private func decode() throws(WireError) -> InferRequest {
        var limits = DecodingLimits()
        limits.convertedBytes = front.configuration.maxInputSize
        let total = call.body.count
        let length = call.facts.inferenceHeader ?? total
        guard (0...total).contains(length) else {
            throw WireError(
                .invalidArgument,
                "Inference-Header-Content-Length must be a number from 0 to the body's \(total)"
            )
        }
        if call.facts.inferenceHeader == 0 {
            return try RawInferDecoder.decode(bodyLength: total, signature: servable.signature)
        }
        let result: Result<InferRequest, WireError> = call.body.withFirst(length) { header in
            do throws(WireError) {
                return .success(
                    try JSONInferDecoder.decode(header, bodyLength: total, limits: limits)
                )
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }
}
