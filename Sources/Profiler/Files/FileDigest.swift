import Foundation

/// A digest of a file's contents, to know whether a profile still belongs to it.
///
/// Not a cryptographic one: nobody gains by making two models look alike.
public enum FileDigest {
    /// FNV-1a over the file's 64-bit words and its length, such as `fnv64:91ab...`.
    ///
    /// Cost: reads the file once, a mebibyte at a time.
    /// - Throws: `ProfilerError` where it can't be read.
    public static func of(_ path: String) throws(ProfilerError) -> String {
        guard let file = FileHandle(forReadingAtPath: path) else {
            throw ProfilerError("'\(path)' can't be read; check the repository")
        }
        defer { try? file.close() }
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        var length: UInt64 = 0
        while let part = try? file.read(upToCount: 1 << 20), !part.isEmpty {
            length += UInt64(part.count)
            add(part, to: &hash)
        }
        hash = (hash ^ length) &* 0x100_0000_01B3
        let digits = String(hash, radix: 16)
        return "fnv64:" + String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// The same of a short text, as 16 hexadecimal digits.
    static func of(text: String) -> String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        add(Data(text.utf8), to: &hash)
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    private static func add(_ part: Data, to hash: inout UInt64) {
        part.withUnsafeBytes { bytes in
            let words = bytes.count / 8
            for place in 0..<words {
                let word = bytes.loadUnaligned(fromByteOffset: 8 * place, as: UInt64.self)
                hash = (hash ^ UInt64(littleEndian: word)) &* 0x100_0000_01B3
                // Carries the upper half down, which FNV's multiplication alone would not.
                hash ^= hash >> 29
            }
            for byte in bytes[(8 * words)...] { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        }
    }
}
