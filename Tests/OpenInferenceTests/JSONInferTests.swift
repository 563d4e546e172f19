import OpenInference
import ServingDomain
import Testing

@Suite("Inference requests in JSON, with and without binary data")
struct JSONInferTests {
    @Test("A request of every part comes out as it was meant, keys in any order.")
    func decodesEverything() throws {
        let request = try decode(
            #"""
            {"outputs":[{"name":"y","parameters":{"classification":3}},
              {"name":"z","parameters":{"binary_data":true}}],
             "unknown":{"a":[1,{"b":null}]},
             "id":"r\u00e9","parameters":{"priority":2,"timeout":5000,"custom":"v","n":-3,
              "f":1.5,"u":18446744073709551615,"b":true,"sluice_predict":true,"sequence_id":0},
             "inputs":[{"data":[[1,2],[3,4]],"datatype":"INT32","shape":[2,2],"name":"a"},
              {"name":"t","datatype":"BYTES","shape":[2],"data":["x","\n\u00e9"]}]}
            """#
        )
        #expect(request.id == "ré")
        #expect(request.options.priority == 2)
        #expect(request.options.timeout == .microseconds(5_000))
        #expect(request.options.wantsPrediction)
        #expect(
            request.options.custom == [
                RequestParameter("custom", .text("v")), RequestParameter("n", .int64(-3)),
                RequestParameter("f", .double(1.5)), RequestParameter("u", .uint64(.max)),
                RequestParameter("b", .flag(true)),
            ]
        )
        #expect(request.outputs[0] == RequestedOutput(name: "y", classes: 3))
        #expect(request.outputs[1] == RequestedOutput(name: "z", binary: true))
        #expect(request.inputs[0].shape == [2, 2])
        #expect(request.inputs[0].source == .converted(bytes([1, 2, 3, 4] as [Int32])))
        #expect(request.inputs[1].source == .converted(elements(["x", "\né"])))
    }

    @Test("Binary tensors lie one after the other behind the header.")
    func decodesBinary() throws {
        let json = Array(
            #"""
            {"inputs":[{"name":"a","shape":[2],"datatype":"FP32","parameters":
            {"binary_data_size":8}},{"name":"b","shape":[3],"datatype":"UINT8","parameters":
            {"binary_data_size":3}}],"parameters":{"binary_data_output":true}}
            """#.utf8
        )
        let request = try decode(json + Array(repeating: 7, count: 11), header: json.count)
        #expect(request.options.wantsBinary)
        #expect(request.inputs[0].source == .body(json.count..<json.count + 8))
        #expect(request.inputs[1].source == .body(json.count + 8..<json.count + 11))
    }

    @Test("Lengths that lie are refused: too long, overflowing, left over, header too long.")
    func refusesLies() {
        func body(_ size: String, extra: Int) -> WireError? {
            let json = Array(
                (#"{"inputs":[{"name":"a","shape":[2],"datatype":"FP32","#
                    + #""parameters":{"binary_data_size":\#(size)}}]}"#).utf8
            )
            return failure { () throws(WireError) in
                _ = try decode(json + Array(repeating: 0, count: extra), header: json.count)
            }
        }
        #expect(body("8", extra: 8) == nil)
        #expect(body("8", extra: 7)?.kind == .invalidArgument)
        #expect(body("8", extra: 9)?.message.contains("unexpected additional") == true)
        #expect(body("18446744073709551615", extra: 8)?.kind == .invalidArgument)
        #expect(body("9223372036854775807", extra: 8)?.kind == .invalidArgument)
        #expect(body("-8", extra: 8)?.kind == .malformed)
        #expect(body("1e1", extra: 10)?.kind == .malformed)
        #expect(body("\"8\"", extra: 8)?.kind == .malformed)
        let tooLong = failure { () throws(WireError) in
            try lend(Array("{}".utf8)) { (raw) throws(WireError) in
                _ = try JSONInferDecoder.decode(raw, bodyLength: 1)
            }
        }
        #expect(tooLong?.kind == .invalidArgument)
    }

    @Test("Every data type takes its whole range and nothing beyond.")
    func checksRanges() {
        let cases: [(String, [String], [String])] = [
            ("INT8", ["-128", "127"], ["-129", "128", "1.5", "true", "\"1\"", "null"]),
            ("INT16", ["-32768", "32767"], ["-32769", "32768"]),
            ("INT32", ["-2147483648", "2147483647"], ["2147483648"]),
            ("INT64", ["-9223372036854775808"], ["9223372036854775808"]),
            ("UINT8", ["0", "255"], ["-1", "256"]), ("UINT16", ["65535"], ["65536", "-1"]),
            ("UINT32", ["4294967295"], ["4294967296"]),
            ("UINT64", ["18446744073709551615"], ["18446744073709551616", "-1"]),
            ("FP32", ["3.4028235e38", "-1", "1e-50"], ["3.5e38", "NaN", "Infinity", "true"]),
            ("FP64", ["1.7e308"], ["1e309", "\"1\""]), ("BOOL", ["true"], ["1", "0", "\"a\""]),
            ("BYTES", ["\"\"", "\"a\""], ["1", "true"]), ("FP16", [], ["1"]), ("BF16", [], ["1"]),
            ("STRING", [], ["\"a\""]), ("fp32", [], ["1"]),
        ]
        for (type, good, bad) in cases {
            for value in good {
                let error = failure { () throws(WireError) in
                    _ = try decode(oneInput(type, "[1]", "[\(value)]"))
                }
                #expect(error == nil, "\(type) \(value)")
            }
            for value in bad {
                let error = failure { () throws(WireError) in
                    _ = try decode(oneInput(type, "[1]", "[\(value)]"))
                }
                #expect(error?.kind.httpStatus == 400, "\(type) \(value)")
            }
        }
    }

    @Test("What a request must not hold is refused in one line.")
    func refuses() {
        for json in [
            "[]", "{}", #"{"inputs":{}}"#, #"{"inputs":[{}]}"#, #"{"inputs":[1]}"#,
            oneInput("FP32", "[2]", "[1]"), oneInput("FP32", "[1]", "[1,2]"),
            oneInput("FP32", "[-1]", "[1]"), oneInput("FP32", "[1.5]", "[1]"),
            oneInput("FP32", "[4611686018427387904,4]", "[1]"), oneInput("FP32", "[1]", "1"),
            oneInput("FP32", "[1]", "[{}]"), oneInput("FP32", "[1000000000]", "[1]"),
            #"{"inputs":[],"inputs":[]}"#, #"{"id":1,"inputs":[]}"#,
            #"{"inputs":[{"name":"x","name":"x","shape":[1],"datatype":"FP32","data":[1]}]}"#,
            #"{"inputs":[{"name":"x","shape":[1],"datatype":"FP32"}]}"#,
            #"{"inputs":[{"name":"x","shape":[0],"datatype":"FP32","data":[],"#
                + #""parameters":{"binary_data_size":0}}]}"#,
            #"{"inputs":[],"parameters":{"triton_x":1}}"#, #"{"inputs":[],"parameters":[]}"#,
            #"{"inputs":[],"parameters":{"priority":-1}}"#,
            #"{"inputs":[],"parameters":{"timeout":"1"}}"#,
            #"{"inputs":[],"parameters":{"x":[]}}"#, #"{"inputs":[],"outputs":[{}]}"#,
            #"{"inputs":[],"parameters":{"a":1,"a":1}}"#,
            #"{"inputs":[],"outputs":[{"name":"y","parameters":{"classification":0}}]}"#,
            #"{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","#
                + #""parameters":{"shared_memory_region":"r"}}]}"#,
        ] {
            let error = failure { () throws(WireError) in _ = try decode(json) }
            #expect(error?.kind.httpStatus == 400, "\(json)")
            #expect(error?.message.contains("\n") == false)
        }
    }

    @Test("Numbers of tensors, dimensions, parameters and converted bytes are bounded.")
    func bounds() {
        var limits = DecodingLimits()
        limits.tensors = 2
        limits.dimensions = 3
        limits.parameters = 2
        limits.convertedBytes = 16
        let tensor = #"{"name":"x","shape":[1],"datatype":"FP32","data":[1]}"#
        let three = "[\(tensor),\(tensor),\(tensor)]"
        for (json, kind) in [
            (#"{"inputs":\#(three)}"#, WireError.Kind.invalidArgument),
            (
                #"{"inputs":[],"outputs":[{"name":"a"},{"name":"b"},{"name":"c"}]}"#,
                .invalidArgument
            ),
            (oneInput("FP32", "[1,1,1,1]", "[1]"), .invalidArgument),
            (#"{"inputs":[],"parameters":{"a":1,"b":1,"c":1}}"#, .invalidArgument),
            (oneInput("FP64", "[3]", "[1,2,3]"), .tooLarge),
            (oneInput("BYTES", "[2]", #"["abcdefgh","abcdefgh"]"#), .tooLarge),
        ] {
            let error = failure { () throws(WireError) in
                _ = try decode(Array(json.utf8), limits: limits)
            }
            #expect(error?.kind == kind, "\(json)")
        }
    }

    @Test("A raw body takes its shape from its length.")
    func decodesRaw() throws {
        let fixed = try RawInferDecoder.decode(bodyLength: 16, signature: model([4]))
        #expect(fixed.inputs[0].shape == [1, 4])
        #expect(fixed.options.wantsBinary)
        let free = try RawInferDecoder.decode(
            bodyLength: 24,
            signature: model([-1, 2], batched: false)
        )
        #expect(free.inputs[0].shape == [3, 2])
        let text = try RawInferDecoder.decode(
            bodyLength: 5,
            signature: model([1], type: .bytes)
        )
        #expect(text.inputs[0].source == .element(0..<5))
        #expect(text.inputs[0].source.byteCount == 9)
        for signature in [
            model([-1, -1]), model([-1, 3]), model([2], type: .bytes), model([0, -1]),
            ModelSignature(inputs: [], outputs: [], batched: true),
        ] {
            let error = failure { () throws(WireError) in
                _ = try RawInferDecoder.decode(bodyLength: 16, signature: signature)
            }
            #expect(error?.kind == .invalidArgument)
        }
    }
}
