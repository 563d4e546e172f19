import Testing

@testable import ModelRepository

/// The parser takes every liberty that config.pbtxt files take, and says where it gives up.
@Suite struct TextFormatTests {
    static func config(_ text: String) throws -> ConfigMessage {
        try ConfigReader.read(Array(text.utf8), dialect: .protobufText).config
    }

    static func json(_ text: String) throws -> ConfigMessage {
        try ConfigReader.read(Array(text.utf8), dialect: .json).config
    }

    /// The error of reading a text; nil if it could be read.
    static func error(_ text: String, dialect: TextDialect = .protobufText) -> TextError? {
        do throws(TextError) {
            _ = try ConfigReader.read(Array(text.utf8), dialect: dialect)
            return nil
        } catch {
            return error
        }
    }

    @Test(
        "All spellings of the same list of messages mean the same",
        arguments: [
            "input [ { name: \"a\" dims: [ 1, 2 ] }, { name: \"b\" } ]",
            "input: [ { name: 'a', dims: [1,2] }, { name: 'b' } ]",
            "input { name: \"a\" dims: 1 dims: 2 } input { name: \"b\" }",
            "input: { name: \"a\"; dims: 1; dims: 2; }; input: { name: \"b\" };",
            "input < name: \"a\" dims: [1] dims: [2] > input <name: \"b\">,",
            "# two\ninput [\n{ # first\nname: \"\" 'a' \"\"\ndims: [ 0x1, 02 ] }\n,{name:'b'}]",
        ]
    )
    func spellings(text: String) throws {
        let inputs = try Self.config(text).messages("input")
        #expect(inputs.map { $0.string("name") } == ["a", "b"])
        #expect(inputs[0].ints("dims") == [1, 2])
    }

    @Test("Strings undo their escapes and join their parts, over lines too")
    func strings() throws {
        let text = #"name: "a\n\t\\\"\x41\101\u00e9" '\'b"' "# + "\n\"c\""
        #expect(try Self.config(text).string("name") == "a\n\t\\\"AAé'b\"c")
    }

    @Test("Numbers are read in all bases and signs, each within its type")
    func numbers() throws {
        #expect(try Self.config("max_batch_size: 0x10").int("max_batch_size") == 16)
        #expect(try Self.config("max_batch_size: 010").int("max_batch_size") == 8)
        #expect(try Self.config("max_batch_size: - 1").int("max_batch_size") == -1)
        let dims = "input { dims: [ -1, 9223372036854775807, -9223372036854775808 ] }"
        #expect(try Self.config(dims).messages("input")[0].ints("dims") == [-1, .max, .min])
        let metrics =
            "model_metrics { metric_control { histogram_options { buckets: [ 1, .5, 2.5e3f, inf ] "
            + "} } }"
        let control = try Self.config(metrics).message("model_metrics")?.messages("metric_control")
        let buckets = control?.first?.message("histogram_options")?["buckets"]
        #expect(
            buckets == .list([.double(1), .double(0.5), .double(2_500), .double(.infinity)])
        )
    }

    @Test("Truth values and words are read by name and by number")
    func words() throws {
        for text in ["true", "True", "t", "1"] {
            let config = try Self.config("response_cache { enable: \(text) }")
            #expect(config.message("response_cache")?.bool("enable") == true)
        }
        for text in ["TYPE_FP32", "11"] {
            let config = try Self.config("input { data_type: \(text) }")
            #expect(config.messages("input")[0].word("data_type") == 11)
        }
    }

    @Test("Maps are read entry by entry, the last of equal keys holding")
    func maps() throws {
        let text = """
            parameters { key: "a" value { string_value: "1" } }
            parameters: { key: "b" value: { string_value: "2" } }
            parameters [ { value { string_value: "3" } key: "a" }, { key: "c" } ]
            dynamic_batching { priority_queue_policy { key: 2 value { max_queue_size: 7 } } }
            """
        let config = try Self.config(text)
        let entries = config.entries("parameters")
        #expect(entries.map(\.key) == ["b", "a", "c"])
        #expect(entries[1].value.asMessage?.string("string_value") == "3")
        let policies = config.message("dynamic_batching")?.entries("priority_queue_policy")
        #expect(policies?.first?.key == "2")
    }

    @Test("Unknown fields are kept, with the nearest known name")
    func unknown() throws {
        let text = "max_bath_size: 4\nfoo { bar: [ 1, 2 ] } [my.ext]: 3"
        let read = try ConfigReader.read(Array(text.utf8), dialect: .protobufText)
        #expect(read.unknown.map(\.path) == ["max_bath_size", "foo", "[my.ext]"])
        #expect(read.unknown.map(\.nearest) == ["max_batch_size", nil, nil])
        #expect(read.unknown[1].position == TextPosition(line: 2, column: 1))
        let echo = String(decoding: ConfigJSON.encode(read.config), as: UTF8.self)
        #expect(echo.hasSuffix(#""max_bath_size":4,"foo":{"bar":[1,2]},"[my.ext]":3}"#))
    }

    @Test(
        "What is wrong is named with line, column and the next step",
        arguments: [
            ("name: \"a", 1, 7, "close it with \""),
            ("name: a", 1, 7, "text in quotes"),
            ("name: \"a\"\nname: \"b\"", 2, 1, "given twice"),
            ("input {\n  name: \"a\"\n", 3, 1, "before the closing }"),
            ("input [ { }", 1, 7, "add ]"),
            ("max_batch_size: 4000000000", 1, 17, "-2147483648 to 2147483647"),
            ("max_batch_size: \"4\"", 1, 17, "whole number"),
            ("max_batch_size: [4]", 1, 1, "not a list"),
            ("max_batch_size 4", 1, 16, "expected : or {"),
            ("input { data_type: TYPE_FLOAT32 }", 1, 20, "did you mean 'TYPE_FP32'?"),
            ("input { dims: [ 1 2 ] }", 1, 19, "expected , or ]"),
            ("input { dims: [ [ 1 ] ] }", 1, 17, "one flat list"),
            ("version_policy { all { } latest { } }", 1, 26, "exclude each other"),
            ("input { data_type: FP32 }", 1, 20, "did you mean 'TYPE_FP32'?"),
            ("instance_group { kind: GPGPU }", 1, 24, "KIND_AUTO, KIND_GPU"),
            ("input: 3", 1, 8, "takes { ... }"),
            ("name { }", 1, 6, "not { ... }"),
            ("parameters { foo: 1 }", 1, 14, "key: ... value: ..."),
            ("name: \"\\q\"", 1, 8, "no such escape"),
            ("name: \"\\u12\"", 1, 8, "hexadecimal"),
            ("name: \"a\" }", 1, 11, "expected a field's name"),
            ("name: @", 1, 7, "unexpected '@'"),
            ("optimization { eager_batching: maybe }", 1, 32, "true or false"),
        ]
    )
    func errors(text: String, line: Int, column: Int, part: String) throws {
        let error = try #require(Self.error(text))
        #expect(error.position == TextPosition(line: line, column: column))
        #expect(error.message.contains(part), "\(error.message)")
        #expect(!error.message.contains("\n"))
    }

    @Test("Depth, size and number of values are bounded")
    func limits() throws {
        let deep = String(repeating: "a {", count: 100)
        #expect(Self.error(deep)?.message.contains("deeper than 32") == true)
        let long = String(repeating: " ", count: 1 << 20) + " "
        #expect(Self.error(long)?.message.contains("the limit is 1048576") == true)
        let many = "input { dims: [" + String(repeating: "1,", count: 100_000) + "1] }"
        #expect(Self.error(many)?.message.contains("more than 100000 values") == true)
    }

    @Test("Bytes that are not UTF-8 are refused; a byte order mark is skipped")
    func encodings() throws {
        let bad = Array("name: \"".utf8) + [0xFF, 0xFE] + Array("\"".utf8)
        #expect(throws: TextError.self) {
            try ConfigReader.read(bad, dialect: .protobufText)
        }
        let marked = [0xEF, 0xBB, 0xBF] + Array("name: \"m\"".utf8)
        let read = try ConfigReader.read(marked, dialect: .protobufText)
        #expect(read.config.string("name") == "m")
    }

    @Test("JSON configurations are read with Triton's and protobuf's spellings")
    func jsonSpellings() throws {
        let text = """
            {"name": "m\\ud83d\\ude00", "maxBatchSize": 8, "default_model_filename": null,
             "input": [{"name": "x", "data_type": "TYPE_FP32", "dims": ["-1", 3.0]}],
             "parameters": {"slo.latency_ms": {"string_value": "5"}},
             "dynamic_batching": {"priority_queue_policy": {"1": {"max_queue_size": 3}}},
             "response_cache": {"enable": true}}
            """
        let config = try Self.json(text)
        #expect(config.string("name") == "m😀")
        #expect(config.int("max_batch_size") == 8)
        #expect(!config.has("default_model_filename"))
        #expect(config.messages("input")[0].ints("dims") == [-1, 3])
        #expect(config.entries("parameters").map(\.key) == ["slo.latency_ms"])
        #expect(config.message("response_cache")?.bool("enable") == true)
    }

    @Test(
        "Wrong JSON is refused with a place",
        arguments: [
            "", "[]", "{", "{\"name\"}", "{\"name\": }", "{\"name\": \"a\"} x", "{name: # }",
        ]
    )
    func jsonErrors(text: String) {
        #expect(Self.error(text, dialect: .json) != nil)
    }
}
