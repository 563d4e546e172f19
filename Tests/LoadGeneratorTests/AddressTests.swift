import ServingDomain
import Testing
import Workloads

@testable import LoadGenerator

@Suite("Addresses and inputs")
struct AddressTests {
    @Test("Scheme, port and brackets may be there or not")
    func addresses() throws {
        #expect(try ServerAddress(parsing: "localhost", for: .http).authority == "localhost:8000")
        #expect(try ServerAddress(parsing: "http://a:1/", for: .http).authority == "a:1")
        #expect(try ServerAddress(parsing: "grpc://a", for: .grpc).port == 8_001)
        #expect(try ServerAddress(parsing: "[::1]:9", for: .http).authority == "[::1]:9")
        #expect(try ServerAddress(parsing: "http://[::1]", for: .http).host == "::1")
        for wrong in ["", "https://a", "a:b", "a:0", "a:70000", "::1", "ftp://a", "a/b", "a b"] {
            #expect(throws: LoadError.self, "\(wrong)") {
                try ServerAddress(parsing: wrong, for: .http)
            }
        }
    }

    @Test("Free dimensions become 1 unless a shape is given; a shape that does not fit is refused")
    func shapes() throws {
        let input = ModelInput(name: "x", type: .int64, shape: [-1, 3, -1])
        func make(_ shape: [Int64]?) throws -> [InputTensor] {
            var factory = InputFactory(
                shapes: shape.map { ["x": $0] } ?? [:],
                data: .random,
                generator: SeededGenerator(seed: 1)
            )
            return try factory.tensors(for: [input], of: "m")
        }
        #expect(try make(nil)[0].shape == [1, 3, 1] && make(nil)[0].bytes.count == 24)
        #expect(try make([2, 3, 4])[0].bytes.count == 192)
        #expect(try make(nil) == make(nil))
        for wrong: [Int64] in [[2, 4, 4], [3], [1 << 30, 3, 1 << 30]] {
            #expect(throws: LoadError.self) { try make(wrong) }
        }
    }

    @Test("Random data fills every type to its size", arguments: DataType.allCases)
    func types(type: DataType) throws {
        for data in [LoadConfiguration.InputData.random, .zero] {
            var factory = InputFactory(
                shapes: [:],
                data: data,
                generator: SeededGenerator(seed: 2)
            )
            let input = ModelInput(name: "x", type: type, shape: [5])
            let bytes = try factory.tensors(for: [input], of: "m")[0].bytes
            let word = data == .zero ? 4 : 12
            #expect(bytes.count == 5 * (type.size ?? word))
            if data == .zero { #expect(bytes.allSatisfy { $0 == 0 }) }
        }
    }

    @Test("A data file is cut into the inputs in order, and must be used up")
    func dataFile() throws {
        let inputs = [
            ModelInput(name: "a", type: .uint8, shape: [2]),
            ModelInput(name: "b", type: .bytes, shape: [2]),
        ]
        let whole: [UInt8] = [1, 2, 1, 0, 0, 0, 65, 0, 0, 0, 0]
        func make(_ bytes: [UInt8]) throws -> [InputTensor] {
            var factory = InputFactory(
                shapes: [:],
                data: .bytes(bytes),
                generator: SeededGenerator(seed: 1)
            )
            return try factory.tensors(for: inputs, of: "m")
        }
        let tensors = try make(whole)
        #expect(tensors[0].bytes == [1, 2] && tensors[1].bytes.count == 9)
        #expect(try JSONValues.text(of: tensors[1]) == #""A","""#)
        #expect(throws: LoadError.self) { try make(whole + [0]) }
        for count in 0..<whole.count {
            #expect(throws: LoadError.self) { try make(Array(whole.prefix(count))) }
        }
    }

    @Test("Names of models are escaped in paths, and strings in JSON")
    func escapes() {
        let model = ModelLoad(name: "a b/ü", version: 2, process: .poisson(rate: 1))
        #expect(HTTPRequests.path(model) == "models/a%20b%2F%C3%BC/versions/2")
        #expect(JSONValues.quoted("a\"\\\n") == #""a\"\\\u000a""#)
    }
}
