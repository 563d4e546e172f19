import CZlib

/// Compresses replies.
enum Deflater {
    /// Shorter replies are not worth it.
    static let shortest = 1_024
    /// Longer replies would hold up the event loop, so they go as they are.
    static let longest = 1 << 20

    /// Compresses `bytes`; nil when that does not make them shorter.
    static func compress(_ bytes: UnsafeRawBufferPointer, gzip: Bool) -> [UInt8]? {
        guard let base = bytes.baseAddress, (shortest...longest).contains(bytes.count) else {
            return nil
        }
        var stream = z_stream()
        let status = deflateInit2_(
            &stream,
            Z_BEST_SPEED,
            Z_DEFLATED,
            gzip ? 15 + 16 : 15,
            8,
            Z_DEFAULT_STRATEGY,
            ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size)
        )
        guard status == Z_OK else { return nil }
        defer { deflateEnd(&stream) }
        // Safe: zlib does not write through next_in.
        stream.next_in = UnsafeMutablePointer(mutating: base.assumingMemoryBound(to: UInt8.self))
        stream.avail_in = UInt32(bytes.count)
        var result = [UInt8](repeating: 0, count: bytes.count)
        let ended = result.withUnsafeMutableBufferPointer { target in
            stream.next_out = target.baseAddress
            stream.avail_out = UInt32(target.count)
            return deflate(&stream, Z_FINISH) == Z_STREAM_END
        }
        guard ended else { return nil }
        result.removeLast(Int(stream.avail_out))
        return result
    }
}
