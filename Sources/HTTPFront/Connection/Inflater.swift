import CZlib
import NIOCore
import OpenInference

/// Decompresses a request's body piece by piece, never beyond a limit.
final class Inflater {
    /// Bytes that come out at a time.
    private static let step = 64 << 10

    private var stream = z_stream()
    private let limit: Int
    private var produced = 0
    private var hasEnded = false

    /// Creates a decompressor for gzip or zlib data, which tell themselves apart.
    ///
    /// - Parameter limit: The most bytes that may come out.
    init(limit: Int) {
        self.limit = limit
        // 15 bits of window, + 32: either header.
        let status = inflateInit2_(
            &stream,
            15 + 32,
            ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size)
        )
        precondition(status == Z_OK, "zlib has no memory")
    }

    deinit { inflateEnd(&stream) }

    /// Decompresses a piece and appends what comes out to `body`.
    func take(_ piece: ByteBuffer, into body: inout BodyStore) throws(WireError) {
        var failure: WireError?
        piece.withUnsafeReadableBytes { bytes in
            do throws(WireError) {
                try inflate(bytes, into: &body)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }

    /// Makes sure that the compressed data came to its end.
    func finish() throws(WireError) {
        guard hasEnded else { throw WireError(.malformed, "the compressed body ends early") }
    }

    private func inflate(
        _ bytes: UnsafeRawBufferPointer,
        into body: inout BodyStore
    ) throws(WireError) {
        guard let base = bytes.baseAddress, bytes.count > 0 else { return }
        guard !hasEnded else {
            throw WireError(.malformed, "something follows the end of the compressed body")
        }
        // Safe: zlib does not write through next_in.
        stream.next_in = UnsafeMutablePointer(
            mutating: base.assumingMemoryBound(to: UInt8.self)
        )
        stream.avail_in = UInt32(bytes.count)
        while !hasEnded {
            var output = ByteBuffer()
            output.reserveCapacity(Self.step)
            var status = Z_OK
            output.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.step) { target in
                stream.next_out = target.baseAddress?.assumingMemoryBound(to: UInt8.self)
                stream.avail_out = UInt32(Self.step)
                status = CZlib.inflate(&stream, Z_NO_FLUSH)
                return Self.step - Int(stream.avail_out)
            }
            produced += output.readableBytes
            guard produced <= limit else {
                throw WireError(
                    .tooLarge,
                    "the body takes more than \(limit) bytes when decompressed; "
                        + "the limit is --http-max-input-size"
                )
            }
            body.append(output, expected: nil)
            hasEnded = status == Z_STREAM_END
            guard status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR else {
                throw WireError(.malformed, "the compressed body is corrupt")
            }
            // Room left over means that all of the input has been used.
            if stream.avail_out > 0 { break }
        }
        guard !hasEnded || stream.avail_in == 0 else {
            throw WireError(.malformed, "something follows the end of the compressed body")
        }
    }
}
