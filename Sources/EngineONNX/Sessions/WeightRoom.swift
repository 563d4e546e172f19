import CONNXRuntime
import ServerRuntime

/// Where weights lie that several sessions share: plain memory, or a GPU's.
protocol WeightRoom: AnyObject {
    /// Where that is, in the library's words.
    var memory: OpaquePointer { get }

    /// Where a weight begins, for the library only.
    func place(_ offset: Int) -> UnsafeMutableRawPointer

    /// Copies a weight to its place; blocks until it is there.
    func fill(_ offset: Int, from bytes: UnsafeRawBufferPointer) throws(EngineError)

    /// Says that all weights are there.
    func seal()
}

/// Plain memory.
final class HostWeightRoom: WeightRoom {
    let memory: OpaquePointer
    private let block: UnsafeMutableRawPointer

    init(_ byteCount: Int, memory: OpaquePointer) {
        self.memory = memory
        block = .allocate(byteCount: byteCount, alignment: 64)
    }

    deinit { block.deallocate() }

    func place(_ offset: Int) -> UnsafeMutableRawPointer { block + offset }

    func fill(_ offset: Int, from bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress else { return }
        (block + offset).copyMemory(from: start, byteCount: bytes.count)
    }

    func seal() {}
}
