import NIOCore
import OpenInference
import ServerRuntime
import ServingDomain

/// One inference request over HTTP and its reply: keeps the request's bytes until they have been
/// gathered, takes the results, and goes back to its connection when it has ended.
///
/// A result is copied once, into a buffer that has room before it for the reply's head.
final class HTTPExchange: InferenceExchange, @unchecked Sendable {
    // Safe: the variables are written by the lane thread that scatters, or by the one call of
    // `finish`; the event loop reads them only after `finish`, ordered by the mailbox's lock, and
    // the results only where the ending says that scattering is over.

    /// A result as it was taken.
    struct Output {
        /// The request's own shape.
        var shape: [Int64]
        /// Where its bytes lie in `results`; empty where they went into shared memory.
        var range: Range<Int>
        /// How many bytes it has.
        var byteCount: Int
    }

    let request: BoundRequest
    let id: String
    let servable: Servable
    let connection: NIOLoopBound<HTTPConnection>
    let facts: RequestFacts
    let wantsPrediction: Bool
    private let body: BodyStore
    private let memory: SharedViews
    private let mailbox: ReplyMailbox

    /// The results, behind `headroom` bytes that are free for the reply's head.
    private(set) var results = ByteBuffer()
    /// By place in the reply.
    private(set) var outputs: [Output?]
    /// What went wrong while results were taken.
    private(set) var failure: WireError?
    /// How the request ended.
    private(set) var ending: Ending?

    init(
        _ request: BoundRequest,
        _ decoded: InferRequest,
        body: BodyStore,
        memory: SharedViews,
        servable: Servable,
        facts: RequestFacts,
        connection: NIOLoopBound<HTTPConnection>,
        mailbox: ReplyMailbox
    ) {
        self.request = request
        id = decoded.id
        wantsPrediction = facts.wantsPrediction || decoded.options.wantsPrediction
        self.body = body
        self.memory = memory
        self.servable = servable
        self.facts = facts
        self.connection = connection
        self.mailbox = mailbox
        outputs = Array(repeating: nil, count: request.outputs.count)
    }

    // MARK: InferenceExchange

    func byteCount(input index: Int) -> Int {
        request.byteCount(input: index)
    }

    func gather(input index: Int, into target: UnsafeMutableRawBufferPointer) {
        switch request.sources[index] {
        case .body(let range): body.copy(range, into: target)
        case .element(let range):
            target.storeBytes(of: UInt32(range.count).littleEndian, as: UInt32.self)
            body.copy(range, into: UnsafeMutableRawBufferPointer(rebasing: target[4...]))
        case .converted(let bytes): target.copyBytes(from: bytes)
        case .shared:
            if let view = memory.inputs[index] {
                target.copyMemory(from: UnsafeRawBufferPointer(view.bytes))
            }
        case nil: break
        }
    }

    func wants(output index: Int) -> Bool {
        request.place(output: index) != nil
    }

    func scatter(output index: Int, shape: [Int64], bytes: UnsafeRawBufferPointer) {
        guard let place = request.place(output: index) else { return }
        if let view = memory.outputs[place] {
            guard bytes.count <= view.bytes.count else {
                failure = WireError(
                    .invalidArgument,
                    "output '\(servable.signature.outputs[index].name)' has \(bytes.count) bytes, "
                        + "its part of shared memory \(view.bytes.count)"
                )
                return
            }
            view.bytes.copyMemory(from: bytes)
            outputs[place] = Output(shape: shape, range: 0..<0, byteCount: bytes.count)
            return
        }
        if results.capacity == 0 { makeRoom(for: bytes.count) }
        let begin = results.writerIndex
        results.writeBytes(bytes)
        outputs[place] = Output(
            shape: shape,
            range: begin..<results.writerIndex,
            byteCount: bytes.count
        )
    }

    func finish(_ ending: Ending) {
        self.ending = ending
        mailbox.put(self)
    }

    var bell: (any ReplyBell)? { mailbox }

    /// Gives the results away, so that the reply is written around them without a copy.
    func takeResults() -> ByteBuffer {
        let taken = results
        results = ByteBuffer()
        return taken
    }

    // MARK: Inside

    /// Reserves the buffer: room for the head, then as much for each output as the first takes.
    private func makeRoom(for byteCount: Int) {
        var headroom =
            (facts.loadFormat == nil ? 512 : 768) + 2 * id.utf8.count
            + servable.spec.name.utf8.count
        for wanted in request.outputs {
            headroom += 192 + servable.signature.outputs[wanted.index].name.utf8.count
        }
        let (product, overflow) = byteCount.multipliedReportingOverflow(by: outputs.count)
        results.reserveCapacity(headroom + (overflow ? byteCount : min(product, 16 << 20)))
        results.moveWriterIndex(to: headroom)
    }
}

/// The parts of shared memory that a request names, kept mapped while it lasts.
struct SharedViews: Sendable {
    /// By input of the signature.
    let inputs: [Int: SharedMemory.View]
    /// By place in the reply.
    let outputs: [Int: SharedMemory.View]

    /// No shared memory, as nearly always.
    static let none = SharedViews(inputs: [:], outputs: [:])

    /// Looks up what a request names.
    static func find(
        _ request: BoundRequest,
        _ signature: ModelSignature,
        in memory: SharedMemory
    ) throws(WireError) -> SharedViews {
        var inputs: [Int: SharedMemory.View] = [:]
        var outputs: [Int: SharedMemory.View] = [:]
        for (index, source) in request.sources.enumerated() {
            guard case .shared(let range) = source else { continue }
            let view = try view(range, in: memory)
            try check(view, signature.inputs[index], request, index)
            inputs[index] = view
        }
        for (place, wanted) in request.outputs.enumerated() {
            guard let range = wanted.shared else { continue }
            outputs[place] = try view(range, in: memory)
        }
        return inputs.isEmpty && outputs.isEmpty
            ? .none : SharedViews(inputs: inputs, outputs: outputs)
    }

    private static func view(
        _ range: SharedRange,
        in memory: SharedMemory
    ) throws(WireError) -> SharedMemory.View {
        do throws(SharedMemory.Failure) {
            return try memory.view(range.region, offset: range.offset, byteSize: range.byteSize)
        } catch {
            throw WireError(error)
        }
    }

    /// BYTES elements must be whole; their bytes can only be seen here.
    private static func check(
        _ view: SharedMemory.View,
        _ spec: TensorSpec,
        _ request: BoundRequest,
        _ index: Int
    ) throws(WireError) {
        guard spec.type == .bytes, let dims = request.dims[index] else { return }
        var check = BytesElements()
        check.take(UnsafeRawBufferPointer(view.bytes))
        let expected = dims.reduce(Int64(request.items)) {
            $0.multipliedReportingOverflow(by: $1).0
        }
        guard check.isWhole, Int64(check.count) == expected else {
            throw WireError(
                .invalidArgument,
                "input '\(spec.name)' must hold \(expected) BYTES elements in shared memory, "
                    + "each with its length before it"
            )
        }
    }
}

extension WireError {
    /// The error of a region that can't be had.
    init(_ failure: SharedMemory.Failure) {
        let kind: Kind =
            switch failure.kind {
            case .disabled, .invalid: .invalidArgument
            case .unknown: .notFound
            case .exists: .alreadyExists
            }
        self.init(kind, failure.message)
    }

    /// The error of a name that leads to no model.
    init(_ failure: LookupFailure, model: String, version: Int64?) {
        switch failure {
        case .unknownModel: self.init(.notFound, "there is no model '\(model)'")
        case .unknownVersion:
            self.init(.notFound, "model '\(model)' has no version \(version ?? 0)")
        case .notReady(let reason): self.init(.unavailable, reason)
        }
    }

    /// The error of an ending without a result; nil for one with.
    init?(_ ending: Ending, model: String) {
        switch ending {
        case .completed: return nil
        case .timedOut:
            self.init(.deadlineMissed, "the request's timeout passed while '\(model)' ran")
        case .dropped(.expired):
            self.init(.deadlineMissed, "the deadline passed while the request waited")
        case .dropped(.hopeless):
            self.init(.deadlineMissed, "the deadline can't be met any more")
        case .dropped(.queueTimeout):
            self.init(.deadlineMissed, "the request's time in the queue of '\(model)' was up")
        case .refused(let refusal): self.init(refusal, model: model)
        case .noDevice(let why): self.init(.unavailable, why)
        case .failed(let why): self.init(.internalFault, why)
        case .cancelled: self.init(.cancelled, "the request was cancelled")
        }
    }

    private init(_ refusal: Refusal, model: String) {
        switch refusal {
        case .queueFull:
            self.init(.overloaded, "the queue of '\(model)' is full; try again later")
        case .hopeless:
            self.init(.overloaded, "the deadline can't be met even at once; try again later")
        case .notReady:
            self.init(.unavailable, "model '\(model)' has no ready instance yet; try again later")
        case .unloading: self.init(.unavailable, "model '\(model)' is being unloaded")
        case .draining: self.init(.unavailable, "the server is going down")
        case .noRoom: self.init(.unavailable, "the request table is full; try again later")
        }
    }
}
