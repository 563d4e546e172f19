import Glibc

/// The libraries that a shared library names as its needs, read from the file itself.
///
/// So it can be said which CUDA a provider was built for before the loader fails on it. Reads
/// 64-bit little-endian ELF files: section headers, the dynamic section, its string table.
enum NeededLibraries {
    /// The names, such as `libcublas.so.12`; empty where the file is no such library.
    static func of(_ path: String) -> [String] {
        guard let file = MappedFile(path: path) else { return [] }
        return read(file.bytes)
    }

    /// The CUDA major that a library was built for, by the CUDA libraries that it names.
    static func cudaMajor(_ names: [String]) -> Int32? {
        for name in names {
            for stem in ["libcudart.so.", "libcublas.so.", "libcublasLt.so."]
            where name.hasPrefix(stem) {
                if let major = Int32(name.dropFirst(stem.count).prefix { $0 != "." }) {
                    return major
                }
            }
        }
        return nil
    }

    static func read(_ bytes: UnsafeRawBufferPointer) -> [String] {
        guard bytes.count >= 64, bytes[0] == 0x7f, bytes[1] == 0x45, bytes[2] == 0x4c,
            bytes[3] == 0x46, bytes[4] == 2, bytes[5] == 1
        else { return [] }
        let headers = number(bytes, 40, 8)
        let (size, count) = (number(bytes, 58, 2), number(bytes, 60, 2))
        guard size >= 64, count <= 65_535 else { return [] }
        var names: [String] = []
        for place in 0..<count {
            let header = headers + place * size
            guard number(bytes, header + 4, 4) == 6 else { continue }  // a dynamic section
            let (begin, length) = (number(bytes, header + 24, 8), number(bytes, header + 32, 8))
            let strings = headers + number(bytes, header + 40, 4) * size
            let text = number(bytes, strings + 24, 8)
            var entry = begin
            while entry + 16 <= min(begin + length, bytes.count) {
                if number(bytes, entry, 8) == 1 {  // a library that is needed
                    names.append(word(bytes, text + number(bytes, entry + 8, 8)))
                }
                entry += 16
            }
        }
        return names
    }

    /// A number of some bytes; 0 where it would lie outside of the file or be beyond all sizes.
    private static func number(_ bytes: UnsafeRawBufferPointer, _ place: Int, _ size: Int) -> Int {
        guard place >= 0, place <= bytes.count - size else { return 0 }
        var value: UInt64 = 0
        for index in 0..<size { value |= UInt64(bytes[place + index]) << UInt64(8 * index) }
        return value < 1 << 40 ? Int(value) : 0
    }

    private static func word(_ bytes: UnsafeRawBufferPointer, _ place: Int) -> String {
        guard place >= 0, place < bytes.count else { return "" }
        return String(decoding: bytes[place...].prefix(256).prefix { $0 != 0 }, as: UTF8.self)
    }
}
