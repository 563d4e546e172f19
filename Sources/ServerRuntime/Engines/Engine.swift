public import ServingDomain

/// A library that executes models. One engine serves many models.
public protocol Engine: Sendable {
    /// The platform word that clients see, such as `onnxruntime_onnx`.
    var platform: String { get }

    /// Reads a model's file and weights, once, whatever the number of instances.
    ///
    /// Blocks; the runtime calls it on a loading thread of low priority, never on one that serves.
    func load(_ artifact: ModelArtifact) throws(EngineError) -> any LoadedModel
}

/// A model whose weights are in memory.
public protocol LoadedModel: AnyObject, Sendable {
    /// The tensors that the file itself declares, first dimension included.
    var declared: DeclaredSignature { get }
    /// What the weights take, in MiB; 0 = not known.
    var weightsMiB: Int64 { get }
    /// What is known of the model on kinds of devices before it has run there; may be guesses.
    var profiles: [DeviceProfile] { get }

    /// Makes an instance. Blocks; called on the lane thread that will own it.
    func makeInstance(_ placement: Placement) throws(EngineError) -> any EngineInstance
}

/// One instance of a loaded model. Its lane thread calls everything but `terminate`.
///
/// A batch goes `prepare`, then `input` for each tensor that is there, then `perform`, then
/// `output` for each tensor that is wanted. Pointers stay valid until the next `prepare`.
public protocol EngineInstance: AnyObject, Sendable {
    /// Announces a batch: `items` rows of the given shapes.
    func prepare(items: Int32, shapes: InputShapes) throws(EngineError)

    /// Where the bytes of an input go, in the wire's layout (BYTES: u32 length + bytes each).
    ///
    /// Empty = the engine never looks at them, and nobody need copy them.
    ///
    /// - Parameters:
    ///   - index: The input's place in the model's signature.
    ///   - byteCount: How many bytes will be written, over all rows.
    func input(_ index: Int, byteCount: Int) throws(EngineError) -> UnsafeMutableRawBufferPointer

    /// Runs a stage of the prepared batch; blocks until it ended.
    ///
    /// - Returns: When the copies and the run began and ended, by `CLOCK_MONOTONIC`, where the
    ///   engine knows; nil = nothing is copied, and the caller's own clock will do.
    @discardableResult
    func perform(_ stage: Stage) throws(EngineError) -> StageTimes?

    /// The result at `index` of the model's signature, in the wire's layout.
    func output(_ index: Int) throws(EngineError) -> EngineOutput

    /// Moves the instance's threads to other units; nothing is loaded again.
    func pin(_ placement: Placement) throws(EngineError)

    /// Says that the instance is warm: what ran at low priority so far runs like all else from now
    /// on. Called once, on the lane thread, before its first batch.
    func beginServing()

    /// How eagerly the instance's own threads run from the next batch on; the lane thread, which
    /// calls between two batches, has seen to itself.
    func setPace(_ pace: WorkPace)

    /// Lets the instance's own threads run on these of its cores only from the next batch on.
    /// Called between two batches, by any thread; the lane thread is put there by the caller.
    func pinCrew(to cores: [Int32])

    /// Gives memory back that only larger batches than the present one need; the next large one
    /// pays for it again. Called after warm-up, with a small batch prepared.
    func trim() throws(EngineError)

    /// Whether the thread that calls `perform` does the instance's share of the work itself, so
    /// that its processor time tells how long a run would take if nobody else wanted the core.
    var computesOnCaller: Bool { get }

    /// Whether the first batch of each size costs what later ones do not, since kernels are chosen
    /// or graphs recorded for it; then warm-up runs every size.
    var preparesForEachSize: Bool { get }

    /// Whether only the lane's own thread may call `perform`, since the engine keeps what belongs
    /// to that thread; else another thread may stand in for it while it waits.
    var needsItsThread: Bool { get }

    /// Ends the present `perform` as soon as possible, with `EngineError.terminated`.
    /// Any thread may call it, at any time; without a running batch it does nothing.
    func terminate()
}

extension LoadedModel {
    /// Nothing is known before it has run.
    public var profiles: [DeviceProfile] { [] }
}

extension EngineInstance {
    /// Right for engines that wait for a device.
    public var computesOnCaller: Bool { false }

    /// Right for engines that run a size that they have not seen like its neighbours.
    public var preparesForEachSize: Bool { false }

    /// Right for engines that keep nothing by thread.
    public var needsItsThread: Bool { false }

    /// Does nothing: right for engines without threads of their own.
    public func beginServing() {}

    /// Does nothing: right for engines without threads of their own.
    public func setPace(_ pace: WorkPace) {}

    /// Does nothing: right for engines without threads of their own.
    public func pinCrew(to cores: [Int32]) {}

    /// Keeps everything: right for engines that hold no memory between batches.
    public func trim() throws(EngineError) {}

    /// Gives each of the prepared batch's `items` rows of an input the same bytes.
    public func fill(_ index: Int, with row: [UInt8], items: Int32) throws(EngineError) {
        let target = try input(index, byteCount: row.count * Int(items))
        guard !target.isEmpty else { return }
        for item in 0..<Int(items) {
            let place = UnsafeMutableRawBufferPointer(rebasing: target[(item * row.count)...])
            place.copyBytes(from: row)
        }
    }
}

/// A file to load, and how.
public struct ModelArtifact: Hashable, Sendable {
    /// The model's name, for messages.
    public var name: String
    /// The version's number, for messages.
    public var version: Int64
    /// The file, or the folder that holds `model.onnx` and its external data.
    public var path: String
    /// The tensors in the order that `EngineInstance` numbers them by; nil = the file's own.
    public var signature: ModelSignature?
    /// The engine's own options by name, such as `intra_op_thread_count`.
    public var options: [String: String]
    /// A value that changes when the file does; 0 = nobody looked.
    public var mark: UInt64

    /// Creates the description of a file to load.
    public init(
        name: String,
        version: Int64,
        path: String,
        signature: ModelSignature? = nil,
        options: [String: String] = [:],
        mark: UInt64 = 0
    ) {
        self.name = name
        self.version = version
        self.path = path
        self.signature = signature
        self.options = options
        self.mark = mark
    }
}

/// The tensors of a model file as it declares them, the batch dimension included.
public struct DeclaredSignature: Hashable, Sendable {
    /// One tensor; -1 stands for a free dimension.
    public struct Tensor: Hashable, Sendable {
        /// The tensor's name.
        public var name: String
        /// Its element type.
        public var type: DataType
        /// Its whole shape.
        public var shape: [Int64]

        /// Creates the declaration of one tensor.
        public init(name: String, type: DataType, shape: [Int64]) {
            self.name = name
            self.type = type
            self.shape = shape
        }
    }

    /// The inputs that a request must bring, in file order (initialisers left out).
    public var inputs: [Tensor]
    /// The outputs, in file order.
    public var outputs: [Tensor]

    /// Creates a declaration.
    public init(inputs: [Tensor], outputs: [Tensor]) {
        self.inputs = inputs
        self.outputs = outputs
    }
}

/// Where an instance sits.
public struct Placement: Hashable, Sendable {
    /// The device.
    public var device: DeviceSpec
    /// The units of the device that the gpulet holds, by number, such as CPU cores.
    public var units: [Int32]
    /// The units that this instance's threads run on: its deal of the gpulet's.
    public var own: [Int32]
    /// How many of `own` a run uses at a time: the number of its threads.
    public var width: Int
    /// What the plan gives the instance of the device's memory, in MiB; 0 = no limit is known.
    public var memoryMiB: Int64

    /// Creates a place for an instance.
    ///
    /// - Parameter width: nil = all of `own`.
    public init(
        device: DeviceSpec,
        units: [Int32],
        own: [Int32],
        width: Int? = nil,
        memoryMiB: Int64 = 0
    ) {
        self.device = device
        self.units = units
        self.own = own
        self.width = width ?? own.count
        self.memoryMiB = memoryMiB
    }

    /// By how many units the latencies of an instance here are looked up.
    public var ratedUnits: Int32 { Int32(width < own.count ? width : units.count) }
}

/// The shapes of a batch's inputs, one row each; shared by all requests of one `ShapeKey`.
public struct InputShapes: Hashable, Sendable {
    /// By input, in the signature's order: the dimensions of one row as the engine sees them
    /// (the batch dimension left out); nil where the request brings no such input.
    public var dims: [[Int64]?]

    /// Creates shapes.
    public init(_ dims: [[Int64]?]) { self.dims = dims }
}

/// A result of a batch, lent until the instance's next `prepare`.
public struct EngineOutput {
    /// The whole shape, the batch dimension included.
    public var shape: [Int64]
    /// The bytes in the wire's layout.
    public var bytes: UnsafeRawBufferPointer

    /// Lends out a result.
    public init(shape: [Int64], bytes: UnsafeRawBufferPointer) {
        self.shape = shape
        self.bytes = bytes
    }
}

/// Why an engine could not do it.
public struct EngineError: Error, Hashable, Sendable {
    /// The kinds that callers treat differently.
    public enum Kind: UInt8, Hashable, Sendable {
        /// The file can't be read or is no model.
        case badModel
        /// The library is missing or too old.
        case unavailable
        /// The request's tensors don't fit the model.
        case badInput
        /// The run failed.
        case failed
        /// The run ended because of `terminate`.
        case terminated
        /// Memory ran out.
        case outOfMemory
        /// The device is gone with all that is on it; nothing runs there before a restart.
        case deviceLost
    }

    /// What kind of failure it is.
    public var kind: Kind
    /// One line: what happened, the limit, the next step.
    public var message: String

    /// Creates an error.
    public init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }
}
