import Testing

@testable import OpenInference

@Suite("JSON, read piece by piece")
struct JSONReaderTests {
    /// Reads one value of any kind and the end.
    private func check(_ text: String) -> WireError? {
        check(Array(text.utf8))
    }

    private func check(_ bytes: [UInt8]) -> WireError? {
        bytes.withUnsafeBytes { raw in
            failure { () throws(WireError) in
                var reader = JSONReader(raw)
                try reader.skip()
                try reader.end()
            }
        }
    }

    @Test("Well-formed JSON passes, whatever its layout.")
    func accepts() {
        for text in [
            "{}", "[]", " [ 1 , -2.5e+3, 0, 1E9 ] ", #"{"a":{"b":[true,false,null]},"c":"d"}"#,
            #""\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00""#, "\"é😀\"", "[[],{},[[]]]", "0.1", "-0",
        ] {
            #expect(check(text) == nil, "\(text)")
        }
    }

    @Test("What RFC 8259 forbids is refused as malformed, with the place.")
    func refuses() {
        for text in [
            "", "{", "[1,]", "{\"a\":1,}", "[1 2]", "{\"a\" 1}", "{a:1}", "{'a':1}", "01", "1.",
            ".5", "+1", "1e", "-", "tru", "nul", "\"a", "\"\\x\"", "\"\\ud800\"", "\"\\udc00\"",
            "\"\\ud800\\u0041\"", "\"\n\"", "NaN", "[Infinity]", "-Infinity", "[1]x", "[,1]",
            "{,}", "]", "}", "[}", "{]", "// x\n1", "\"\\u12g4\"", "\"\\u12",
        ] {
            let error = check(text)
            #expect(error?.kind == .malformed, "\(text)")
            #expect(error?.message.contains("at byte") == true, "\(text)")
        }
    }

    @Test("Bytes that are no UTF-8 are refused, in keys too.")
    func refusesOtherEncodings() {
        let wrong: [[UInt8]] = [
            [0x80], [0xC0, 0xAF], [0xC3], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80],
            [0xF5, 0x80, 0x80, 0x80], [0xF0, 0x80, 0x80, 0x80], [0xFF], [0xE2, 0x82],
        ]
        for piece in wrong {
            let quoted = [UInt8(ascii: "\"")] + piece + [UInt8(ascii: "\"")]
            #expect(check(quoted)?.kind == .malformed, "\(piece)")
            #expect(check(Array("{".utf8) + quoted + Array(":1}".utf8)) != nil, "\(piece)")
        }
    }

    @Test("100 levels of nesting pass, 101 do not, and 10 million do no harm.")
    func boundsNesting() {
        func nested(_ depth: Int) -> [UInt8] {
            Array(repeating: UInt8(ascii: "["), count: depth)
                + Array(repeating: UInt8(ascii: "]"), count: depth)
        }
        #expect(check(nested(100)) == nil)
        #expect(check(nested(101))?.message.contains("100") == true)
        #expect(check(nested(10_000_000)) != nil)
    }

    @Test("Text comes out unescaped.")
    func unescapes() throws {
        try Array(#""a\u00e9\ud83d\ude00\n\/""#.utf8).withUnsafeBytes { (raw) throws in
            var reader = JSONReader(raw)
            #expect(try reader.string() == "aé😀\n/")
        }
    }

    @Test("Numbers come out as the standard library reads them, to the last bit.")
    func readsNumbers() throws {
        let seed: UInt64 = 0x5EED_0001
        print("seed \(seed)")
        var dice = Dice(seed: seed)
        var texts = [
            "0", "-0", "-0.0", "1e22", "1e23", "9007199254740993", "0.10000000149011612",
            "1.17549435e-38", "1.4e-45", "3.4028235e38", "16777217", "16777219.0",
            "0.5000000298023223876953125", "0.50000002980232238769531250000000001",
            "123456789012345678901234567890", "18446744073709551615", "18446744073709551616",
            "1e-400", "2.2250738585072011e-308",
        ]
        for _ in 0..<20_000 {
            let float = Float(bitPattern: UInt32.random(in: 0..<0x7F80_0000, using: &dice))
            texts.append(Double(float).description)
            texts.append(float.description)
            let digits = UInt64.random(in: 0...(.max), using: &dice)
            texts.append("\(digits)e\(Int.random(in: -40...20, using: &dice))")
            texts.append("\(digits >> 40).\(digits & 0xFFFFF)")
        }
        for text in texts {
            try Array(text.utf8).withUnsafeBytes { (raw) throws in
                let number = try #require(DecimalNumber(in: raw, at: 0))
                #expect(number.range.count == text.utf8.count, "\(text)")
                #expect(number.double(in: raw) == Double(text), "\(text)")
                #expect(number.float(in: raw) == Float(text), "\(text)")
            }
        }
    }

    @Test("Whole numbers keep to their 64 bits.")
    func readsWholeNumbers() throws {
        let cases: [(String, Int64?, UInt64?)] = [
            ("9223372036854775807", .max, 9_223_372_036_854_775_807),
            ("9223372036854775808", nil, 9_223_372_036_854_775_808),
            ("-9223372036854775808", .min, nil), ("-9223372036854775809", nil, nil),
            ("18446744073709551615", nil, .max), ("18446744073709551616", nil, nil),
            ("1.0", nil, nil), ("1e3", nil, nil), ("-0", 0, 0), ("-1", -1, nil),
        ]
        for (text, signed, unsigned) in cases {
            try Array(text.utf8).withUnsafeBytes { (raw) throws in
                let number = try #require(DecimalNumber(in: raw, at: 0))
                #expect(number.int64 == signed, "\(text)")
                #expect(number.uint64 == unsigned, "\(text)")
            }
        }
    }

    @Test("What the writer writes, the reader reads: text with every ASCII character and beyond.")
    func roundTripsText() throws {
        let text = String((0..<0x250).compactMap(UnicodeScalar.init).map(Character.init)) + "😀"
        var writer = JSONWriter()
        writer.beginArray()
        writer.string(text)
        writer.number(-7)
        writer.number(Int64.min)
        writer.number(UInt64.max)
        writer.number(Float(0.1))
        writer.endArray()
        try writer.bytes.withUnsafeBytes { (raw) throws in
            var reader = JSONReader(raw)
            try reader.beginArray()
            #expect(try reader.nextElement())
            #expect(try reader.string() == text)
            #expect(try reader.nextElement())
            #expect(try reader.int64() == -7)
            #expect(try reader.nextElement())
            #expect(try reader.int64() == .min)
            #expect(try reader.nextElement())
            #expect(try reader.uint64() == .max)
            #expect(try reader.nextElement())
            #expect(try reader.double() == 0.1)
            #expect(try !reader.nextElement())
            try reader.end()
        }
    }
}
