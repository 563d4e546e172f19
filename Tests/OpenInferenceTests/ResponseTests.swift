import OpenInference
import ServingDomain
import Testing

@Suite("Replies")
struct ResponseTests {
    private func json(_ type: DataType, _ data: [UInt8], _ shape: [Int64]) throws -> String {
        var encoder = JSONInferEncoder()
        encoder.begin(id: "", model: "m", version: 1)
        try lend(data) { (raw) throws(WireError) in
            try encoder.append(data: raw, name: "y", type: type, shape: shape)
        }
        encoder.end()
        return String(decoding: encoder.bytes, as: UTF8.self)
    }

    @Test("The keys come in Triton's order.")
    func ordersKeys() throws {
        var encoder = JSONInferEncoder()
        encoder.begin(id: "a\"b", model: "m", version: 2)
        encoder.append(binary: "y", type: .fp32, shape: [1, 4], byteCount: 16)
        encoder.append(
            shared: SharedRange(region: "s", offset: 8, byteSize: 16),
            name: "z",
            type: .int8,
            shape: [],
            byteCount: 4
        )
        encoder.end()
        #expect(
            String(decoding: encoder.bytes, as: UTF8.self)
                == #"{"id":"a\"b","model_name":"m","model_version":"2","outputs":["#
                + #"{"name":"y","datatype":"FP32","shape":[1,4],"#
                + #""parameters":{"binary_data_size":16}},"#
                + #"{"name":"z","datatype":"INT8","shape":[],"#
                + #""parameters":{"shared_memory_region":"s","#
                + #""shared_memory_offset":8,"shared_memory_byte_size":4}}]}"#
        )
    }

    @Test("Every type has its JSON form, but for the two that have none.")
    func writesData() throws {
        func data(_ type: DataType, _ bytes: [UInt8], _ shape: [Int64]) throws -> String {
            let text = try json(type, bytes, shape)
            let mark = #""data":"#
            let begin = try #require(text.indices.first { text[$0...].hasPrefix(mark) })
            return String(text[begin...].dropFirst(mark.count).dropLast(3))
        }
        #expect(try data(.bool, [0, 1, 2], [3]) == "[false,true,true]")
        #expect(try data(.int8, [0xFF, 1], [2]) == "[-1,1]")
        #expect(try data(.uint64, bytes([UInt64.max]), [1]) == "[18446744073709551615]")
        #expect(try data(.int64, bytes([Int64.min]), [1]) == "[-9223372036854775808]")
        let floats: [Float] = [0.1, 1, -2.5e-20, 1e20, .nan, .infinity, -.infinity]
        #expect(
            try data(.fp32, bytes(floats.map(\.bitPattern)), [7])
                == "[0.1,1.0,-2.5e-20,1e+20,NaN,Infinity,-Infinity]"
        )
        #expect(try data(.fp64, bytes([(0.1).bitPattern]), [1]) == "[0.1]")
        #expect(try data(.bytes, elements(["a\"", "é"]), [2]) == #"["a\"","é"]"#)
        #expect(try data(.bytes, [1, 0, 0, 0, 0xFF], [1]) == "[\"\u{FFFD}\"]")
        #expect(throws: WireError.self) { try json(.fp16, [0, 0], [1]) }
    }

    @Test("What is written as JSON reads back bit by bit.")
    func roundTrips() throws {
        let seed: UInt64 = 0x5EED_0002
        print("seed \(seed)")
        var dice = Dice(seed: seed)
        let bits = (0..<2_000).map { _ in UInt32.random(in: 0..<0x7F80_0000, using: &dice) }
        var request = InferRequest()
        request.inputs = [
            RequestInput(name: "x", type: .fp32, shape: [2_000], source: .body(0..<8_000))
        ]
        let text = InferRequestEncoder.json(request, data: [bytes(bits)])
        #expect(try decode(text).inputs[0].source == .converted(bytes(bits)))
    }

    @Test("Classes come best first, equals by index, with six decimals and labels.")
    func classifies() {
        func texts(_ data: [UInt8]) -> [String] {
            var list: [String] = []
            var position = 0
            while position < data.count {
                let length = Int(data[position])
                list.append(
                    String(decoding: data[position + 4..<position + 4 + length], as: UTF8.self)
                )
                position += 4 + length
            }
            return list
        }
        func rank(
            _ values: [Float],
            _ shape: [Int64],
            batched: Bool = true,
            classes: Int32
        ) -> ([Int64], [String]) {
            let data = bytes(values.map(\.bitPattern))
            let result = data.withUnsafeBytes {
                Classification.rank(
                    $0,
                    type: .fp32,
                    shape: shape,
                    batched: batched,
                    classes: classes,
                    labels: ["a", "b"]
                )
            }
            return (result.shape, texts(result.bytes))
        }
        let two = rank([1, 4, 4, 0.1, .nan, -2], [2, 3], classes: 2)
        #expect(two.0 == [2, 2])
        #expect(two.1 == ["4.000000:1:b", "4.000000:2", "0.100000:0:a", "-2.000000:2"])
        let all = rank([1, 2], [2], batched: false, classes: 9)
        #expect(all.0 == [2])
        #expect(all.1 == ["2.000000:1:b", "1.000000:0:a"])
        #expect(rank([1e20], [1, 1], classes: 1).1 == ["100000002004087734272.000000:0:a"])
    }

    @Test("An error's body is JSON whatever its line holds.")
    func writesErrors() throws {
        let error = WireError(.notFound, "no \"m\"\n\u{1}é")
        #expect(String(decoding: error.json, as: UTF8.self) == #"{"error":"no \"m\"  é"}"#)
        let long = WireError(.notFound, String(repeating: "x", count: 1_000_000))
        #expect(long.message.count == WireError.maxMessage)
        for kind in WireError.Kind.allCases {
            #expect((400...504).contains(kind.httpStatus))
            #expect((1...14).contains(kind.grpcStatus))
        }
    }
}
