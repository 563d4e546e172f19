import Documents
import Testing

@Suite("The reader of documents")
struct ReaderTests {
    private func read(_ text: String) throws(DocumentError) -> DocumentNode {
        try DocumentReader.read(Array(text.utf8), source: "f.yaml")
    }

    @Test("JSON and YAML of the same content read alike")
    func bothForms() throws {
        for text in [
            #"{"name": "a", "count": 3, "on": true, "list": [1.5, "2"], "none": null}"#,
            "name: a\ncount: 3\non: true\nlist:\n  - 1.5\n  - '2'\nnone: ~\n",
        ] {
            let object = try read(text).object(["name", "count", "on", "list", "none"])
            #expect(try object.required("name").string() == "a")
            #expect(try object.required("count").integer(in: 0...9) == 3)
            #expect(try object.required("on").bool())
            let list = try object.required("list").list(limit: 2)
            #expect(try list[0].number(in: 0...2) == 1.5)
            #expect(try list[1].string() == "2" && list[1].path == "list[1]")
            #expect(object.optional("none") == nil && object.optional("other") == nil)
        }
    }

    @Test("An unknown key names itself, its line and the nearest known one")
    func unknownKeys() throws {
        let node = try read("model: a\nlatncy: 1\n")
        let error = #expect(throws: DocumentError.self) {
            try node.object(["model", "latency", "digest"])
        }
        #expect(
            error?.description
                == "f.yaml:2: unknown key 'latncy'; the nearest known one is 'latency'"
        )
        let far = #expect(throws: DocumentError.self) { try node.object(["model", "x"]) }
        #expect(far?.what == "unknown key 'latncy'; known are model, x")
    }

    @Test("Wrong types and values name path, line and what would be right")
    func wrongTypes() throws {
        let root = try read("a:\n  - b: x\n  - b: 12\n").object(["a"])
        let list = try root.required("a").list(limit: 9)
        let first = try list[0].object(["b"]).required("b")
        let type = #expect(throws: DocumentError.self) { try first.number(in: 0...1) }
        #expect(type?.description == "f.yaml:2: a[0].b: must be a number, is the text 'x'")
        let second = try list[1].object(["b"]).required("b")
        let range = #expect(throws: DocumentError.self) { try second.integer(in: 0...9) }
        #expect(range?.description == "f.yaml:3: a[1].b: must lie within 0 and 9, is 12")
        #expect(throws: DocumentError.self) { try second.string() }
        #expect(throws: DocumentError.self) { try second.bool() }
        #expect(throws: DocumentError.self) { try root.required("a").list(limit: 1) }
        #expect(throws: DocumentError.self) { try root.required("a").object([]) }
        let missing = #expect(throws: DocumentError.self) { try root.required("c") }
        #expect(missing?.what == "'c' is missing")
    }

    @Test("Whole numbers may be written with an exponent; broken ones are texts")
    func numbers() throws {
        let list = try read("[1e6, 100.0, 1.5, -3, 1.2.3, .5, nan, 0x10]").list(limit: 9)
        #expect(try list[0].integer(in: 0...2_000_000) == 1_000_000)
        #expect(try list[1].integer(in: 0...100) == 100)
        #expect(throws: DocumentError.self) { try list[2].integer(in: 0...9) }
        #expect(try list[3].number(in: -9...9) == -3)
        #expect(try list[4].string() == "1.2.3" && list[6].string() == "nan")
        #expect(try list[5].number(in: 0...1) == 0.5)
    }

    @Test(
        "What is no document is one line, never a crash",
        arguments: [
            "", "a: [1", "a: b: c", "a: 1\na: 2", "a: &x [1]\nb: *x", "a: *y", "a: [&x 1, *x]",
            "--- 1\n--- 2",
            "{a: }}", "\u{1}", "? [a]\n: 1",
        ]
    )
    func malformed(text: String) {
        let error = #expect(throws: DocumentError.self) {
            _ = try DocumentReader.read(Array(text.utf8), source: "f").object(["a", "b"])
        }
        #expect(error?.description.contains("\n") == false, "\(error?.description ?? "")")
    }

    @Test("Deep nesting, wrong UTF-8 and alias bombs are refused before they cost anything")
    func hostile() {
        for text in [
            String(repeating: "[", count: 100_000),
            String(repeating: "{a: ", count: 100_000),
            String(repeating: "- ", count: 100_000),
            (0..<2_000).map { String(repeating: " ", count: $0) + "a:\n" }.joined(),
            "a: &a [1,1]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: [*c,*c]\n",
        ] {
            let error = #expect(throws: DocumentError.self) { try read(text) }
            #expect(error?.description.utf8.count ?? 0 < 300)
        }
        #expect(throws: DocumentError.self) {
            try DocumentReader.read([0x61, 0x3A, 0x20, 0xFF, 0xFE], source: "f")
        }
    }
}
