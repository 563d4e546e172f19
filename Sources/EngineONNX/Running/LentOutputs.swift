import CONNXRuntime
import ServerRuntime

/// The values of the outputs that the library made room for in a run, until they are given back.
final class LentOutputs {
    private let library: ONNXLibrary
    private var values: UnsafeMutablePointer<OpaquePointer?>?
    private var count = 0

    init(library: ONNXLibrary) { self.library = library }

    deinit { giveBack() }

    /// The value of an output of a batch that has run.
    func value(
        _ index: Int,
        of batch: BoundBatch,
        named name: String
    ) throws(EngineError) -> OpaquePointer {
        if values == nil {
            let status = library.calls.bound_outputs(
                batch.binding,
                library.allocator,
                &values,
                &count
            )
            try library.check(status, "the outputs")
        }
        guard let values, index < count, let value = values[index] else {
            throw EngineError(.failed, "output '\(name)' was not computed by the run")
        }
        return value
    }

    /// The shape of a value.
    func shape(of value: OpaquePointer) throws(EngineError) -> [Int64] {
        let info = try library.made("a tensor's shape") { library.calls.tensor_info(value, $0) }
        defer { library.calls.release_tensor_info(info) }
        return try library.typeAndShape(info).1
    }

    /// Gives the values back to the library.
    func giveBack() {
        guard let values else { return }
        for index in 0..<count {
            if let value = values[index] { library.calls.release_value(value) }
        }
        let status = library.calls.allocator_free(library.allocator, values)
        if let status { library.calls.release_status(status) }
        (self.values, count) = (nil, 0)
    }
}
