/// Tells well-formed UTF-8 from other bytes (Unicode, table 3-7).
enum UTF8Check {
    /// Whether all of `bytes` is UTF-8.
    static func passes(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var position = 0
        while position < bytes.count {
            if bytes[position] < 0x80 {
                position += 1
                continue
            }
            let length = length(in: bytes, at: position)
            guard length > 0 else { return false }
            position += length
        }
        return true
    }

    /// The length of the character that begins at `position` with a byte from 0x80; 0 = none.
    static func length(in bytes: UnsafeRawBufferPointer, at position: Int) -> Int {
        let first = bytes[position]
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch first {
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: length = 3
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: length = 4
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        default: return 0
        }
        guard position + length <= bytes.count, second.contains(bytes[position + 1]) else {
            return 0
        }
        for offset in 2..<max(length, 2) where bytes[position + offset] & 0xC0 != 0x80 {
            return 0
        }
        return length
    }
}
