import OpenInference
import ServingDomain
import Testing

@Suite("Inference requests and replies in protobuf")
struct ProtobufInferTests {
    /// A tensor message with typed contents.
    private func contents(
        _ type: String,
        _ write: (inout ProtobufWriter) -> Void
    ) -> [UInt8] {
        var writer = ProtobufWriter()
        writer.message(5) { tensor in
            // Contents before the type, to prove that order does not matter.
            tensor.message(5) { write(&$0) }
            tensor.field(1, "x")
            tensor.field(2, type)
            tensor.field(3, varint: 2)
        }
        return writer.bytes
    }

    @Test("A request round-trips: names, options, tensors, outputs, raw contents as ranges.")
    func roundTrips() throws {
        var request = InferRequest()
        request.modelName = "m"
        request.modelVersion = "3"
        request.id = "r"
        request.options.priority = 1
        request.options.timeout = .milliseconds(7)
        request.options.wantsBinary = true
        request.options.wantsFinalResponse = true
        request.options.custom = [
            RequestParameter("t", .text("v")), RequestParameter("d", .double(0.5)),
            RequestParameter("n", .int64(-1)), RequestParameter("f", .flag(false)),
        ]
        let shared = SharedRange(region: "r", offset: 4, byteSize: 8)
        request.inputs = [
            RequestInput(name: "a", type: .fp32, shape: [1, 200], source: .body(0..<800)),
            RequestInput(name: "s", type: .fp32, shape: [2], source: .shared(shared)),
            RequestInput(name: "b", type: .int64, shape: [], source: .body(0..<8)),
        ]
        request.outputs = [
            RequestedOutput(name: "y", classes: 2), RequestedOutput(name: "z", shared: shared),
        ]
        let data: [[UInt8]] = [Array(repeating: 7, count: 800), [], Array(1...8)]
        let message = InferRequestEncoder.protobuf(request, data: data)
        let decoded = try decodeProtobuf(message)
        var expected = request
        for index in [0, 2] {
            guard case .body(let range) = decoded.inputs[index].source else {
                Issue.record("no range")
                continue
            }
            #expect(Array(message[range]) == data[index])
            expected.inputs[index].source = .body(range)
        }
        #expect(decoded == expected)
    }

    @Test("Typed contents become the wire's layout, packed or not, and must fit their type.")
    func convertsContents() throws {
        func source(_ type: String, _ write: (inout ProtobufWriter) -> Void) -> TensorSource? {
            try? decodeProtobuf(contents(type, write)).inputs[0].source
        }
        let minusOne = UInt64(bitPattern: -1)
        #expect(
            source("INT8") {
                $0.field(2, varint: minusOne)
                $0.field(2, varint: 5)
            } == .converted([0xFF, 5])
        )
        #expect(
            source("INT16") { writer in
                writer.message(2) { packed in
                    packed.varint(minusOne)
                    packed.varint(300)
                }
            } == .converted(bytes([-1, 300] as [Int16]))
        )
        #expect(source("INT64") { $0.field(3, varint: minusOne) } == .converted(bytes([minusOne])))
        #expect(source("BOOL") { $0.field(1, varint: 1) } == .converted([1]))
        #expect(source("FP64") { $0.field(7, fixed64: 9) } == .converted(bytes([9 as UInt64])))
        #expect(source("BYTES") { $0.field(8, "ab") } == .converted(elements(["ab"])))
        #expect(source("INT8") { $0.field(2, varint: 128) } == nil)
        #expect(source("UINT8") { $0.field(4, varint: 256) } == nil)
        #expect(source("FP32") { $0.field(2, varint: 1) } == nil)
        #expect(source("FP16") { $0.field(6, varint: 1) } == nil)
        #expect(source("NOPE") { _ in } == nil)
    }

    @Test("Mixed and miscounted contents are refused.")
    func refusesMixtures() {
        var mixed = ProtobufWriter(contents("INT64") { $0.field(3, varint: 1) })
        [UInt8](repeating: 0, count: 8).withUnsafeBytes { mixed.field(7, $0) }
        #expect(failure { () throws(WireError) in _ = try decodeProtobuf(mixed.bytes) } != nil)
        var request = InferRequest()
        request.inputs = [RequestInput(name: "a", type: .int8, shape: [1], source: .body(0..<1))]
        var more = ProtobufWriter(InferRequestEncoder.protobuf(request, data: [[1]]))
        [UInt8](repeating: 0, count: 8).withUnsafeBytes { more.field(7, $0) }
        #expect(failure { () throws(WireError) in _ = try decodeProtobuf(more.bytes) } != nil)
        var reserved = ProtobufWriter()
        reserved.message(4) { entry in
            entry.field(1, "triton_nope")
            entry.message(2) { $0.field(1, varint: 1) }
        }
        #expect(failure { () throws(WireError) in _ = try decodeProtobuf(reserved.bytes) } != nil)
    }

    @Test("Unknown fields are passed over, groups too; every truncation is a clean answer.")
    func survivesStrangers() throws {
        var request = InferRequest()
        request.modelName = "model"
        request.inputs = [RequestInput(name: "a", type: .int8, shape: [1], source: .body(0..<1))]
        var writer = ProtobufWriter()
        writer.field(99, varint: 1 << 63)
        writer.field(98, fixed64: 1)
        writer.key(97, .groupBegin)
        writer.field(1, "inside")
        writer.key(97, .groupEnd)
        writer.bytes += InferRequestEncoder.protobuf(request, data: [[1]])
        #expect(try decodeProtobuf(writer.bytes).modelName == "model")
        for cut in 0..<writer.bytes.count {
            _ = failure { () throws(WireError) in
                _ = try decodeProtobuf(Array(writer.bytes[..<cut]))
            }
        }
        for wrong: [UInt8] in [
            [0x0A], [0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], [0x00],
            [0x0A, 0x02, 0xC3], [0x0A, 0x01, 0xFF], [0x07], [0x0C], [0x0B],
            Array(repeating: 0xFF, count: 11), Array(repeating: 0x0B, count: 1_000_000),
        ] {
            let error = failure { () throws(WireError) in _ = try decodeProtobuf(wrong) }
            #expect(error?.kind == .malformed, "\(wrong.prefix(12))")
        }
    }

    @Test("A reply is made of the fields and numbers of the service definition.")
    func encodesReply() throws {
        var encoder = ProtobufInferEncoder()
        encoder.begin(id: "r", model: "m", version: 12)
        encoder.parameter("p", .flag(true))
        encoder.output(name: "y", type: .fp32, shape: [1, 300])
        encoder.output(
            name: "z",
            type: .fp32,
            shape: [2],
            shared: SharedRange(region: "s", offset: 1, byteSize: 9),
            byteCount: 8
        )
        encoder.appendRawHeader(byteCount: 3)
        let message = encoder.bytes + [1, 2, 3]
        var numbers: [UInt32] = []
        try message.withUnsafeBytes { (raw) throws in
            var reader = ProtobufReader(raw)
            while let field = try reader.next() {
                numbers.append(field.number)
                let range = try reader.range()
                if field.number == 2 { #expect(Array(message[range]) == Array("12".utf8)) }
                if field.number == 6 { #expect(Array(message[range]) == [1, 2, 3]) }
            }
        }
        #expect(numbers == [1, 2, 3, 4, 5, 5, 6])
    }
}
