/// The encoding of `grpc-message`: printable ASCII but the percent sign stays as it is, every
/// other byte of the UTF-8 becomes `%XX` (gRPC over HTTP/2, "Responses").
enum PercentEncoding {
    /// The longest message that is sent; a header block must stay within the client's limit.
    static let longestMessage = 2_048

    /// Encodes a message, cut to `longestMessage` bytes before encoding.
    ///
    /// Cost: O(n); a message that needs no encoding and no cut is returned as it is.
    static func encode(_ message: String) -> String {
        let bytes = message.utf8.prefix(longestMessage)
        guard message.utf8.count > longestMessage || !bytes.allSatisfy(isPlain) else {
            return message
        }
        var encoded: [UInt8] = []
        encoded.reserveCapacity(bytes.count + 16)
        for byte in bytes {
            if isPlain(byte) {
                encoded.append(byte)
            } else {
                encoded.append(UInt8(ascii: "%"))
                encoded.append(digit(byte >> 4))
                encoded.append(digit(byte & 15))
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte <= 0x7e && byte != UInt8(ascii: "%")
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
    }
}
