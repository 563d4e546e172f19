import CONNXRuntime
import ServerRuntime

/// Moves strings between the wire's layout (u32 length, then the bytes, little-endian) and the
/// library's string tensors.
struct StringTensor {
    let library: ONNXLibrary

    /// Fills a string tensor of `count` elements from the wire's bytes.
    ///
    /// - Throws: `badInput` where the lengths do not add up.
    func fill(
        _ value: OpaquePointer,
        count: Int,
        from wire: UnsafeRawBufferPointer,
        name: String
    ) throws(EngineError) {
        var offset = 0
        for index in 0..<count {
            guard wire.count - offset >= 4 else {
                throw Self.mismatch(name, count, "element \(index) has no length")
            }
            let length = Int(
                UInt32(littleEndian: wire.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
            )
            offset += 4
            guard wire.count - offset >= length else {
                throw Self.mismatch(
                    name,
                    count,
                    "element \(index) claims \(length) bytes where \(wire.count - offset) are left"
                )
            }
            var room: UnsafeMutablePointer<CChar>?
            let status = library.calls.string_buffer(value, index, length, &room)
            try library.check(status, "room for a string")
            if let room, length > 0, let start = wire.baseAddress {
                UnsafeMutableRawPointer(room).copyMemory(from: start + offset, byteCount: length)
            }
            offset += length
        }
        guard offset == wire.count else {
            throw Self.mismatch(name, count, "\(wire.count - offset) bytes are left over")
        }
    }

    /// Writes a string tensor in the wire's layout into `target`, which grows as needed.
    /// - Returns: The number of bytes.
    func read(
        _ value: OpaquePointer,
        count: Int,
        into target: AlignedBuffer,
        offsets scratch: AlignedBuffer
    ) throws(EngineError) -> Int {
        var length = 0
        try library.check(library.calls.strings_length(value, &length), "a string's length")
        let heads = 4 * count
        _ = target.reserve(heads + length)
        _ = scratch.reserve(count * MemoryLayout<Int>.stride)
        let offsets = scratch.base.bindMemory(to: Int.self, capacity: count)
        // The characters go to the end; then each string moves forward to its place behind its
        // length, which never reaches into strings that have still to move.
        let content = target.base + heads
        let status = library.calls.strings_content(value, content, length, offsets, count)
        try library.check(status, "a string's bytes")
        var place = target.base
        for index in 0..<count {
            let begin = offsets[index]
            let end = index + 1 < count ? offsets[index + 1] : length
            place.storeBytes(of: UInt32(end - begin).littleEndian, as: UInt32.self)
            (place + 4).copyMemory(from: content + begin, byteCount: end - begin)
            place += 4 + end - begin
        }
        return heads + length
    }

    private static func mismatch(_ name: String, _ count: Int, _ what: String) -> EngineError {
        EngineError(
            .badInput,
            "input '\(name)' must hold \(count) strings, each with a 4-byte length before it, "
                + "but \(what)"
        )
    }
}
