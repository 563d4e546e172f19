import FoundationEssentials
import NIOCore
import OpenInference
import ServingDomain
import SwiftProtobuf
import Testing
import WireMessages

@testable import GRPCFront

/// Our own codec of inference messages agrees with the generated one, for many random messages
/// that come in random chunks.
@Suite struct InferCodecTests {
    /// A small generator whose draws depend on the seed alone.
    struct Dice: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
            return mixed ^ (mixed >> 31)
        }

        mutating func word(_ most: Int = 12) -> String {
            let letters = Array("abcdefghijklmnopqrstuvwxyzäß_-0123456789")
            return String(
                (0..<Int.random(in: 1...most, using: &self)).compactMap { _ in
                    letters.randomElement(using: &self)
                }
            )
        }

        mutating func bytes(_ most: Int) -> [UInt8] {
            (0..<Int.random(in: 0...most, using: &self)).map { _ in
                UInt8.random(in: 0...255, using: &self)
            }
        }
    }

    private func parameter(_ dice: inout Dice) -> Inference_InferParameter {
        .with {
            switch Int.random(in: 0..<5, using: &dice) {
            case 0: $0.boolParam = Bool.random(using: &dice)
            case 1: $0.int64Param = Int64.random(in: .min ... .max, using: &dice)
            case 2: $0.stringParam = dice.word()
            case 3: $0.doubleParam = Double.random(in: -1e9...1e9, using: &dice)
            default: $0.uint64Param = UInt64.random(in: 0 ... .max, using: &dice)
            }
        }
    }

    private func request(_ dice: inout Dice) -> Inference_ModelInferRequest {
        .with {
            $0.modelName = dice.word()
            if Bool.random(using: &dice) { $0.modelVersion = "3" }
            if Bool.random(using: &dice) { $0.id = dice.word(40) }
            for _ in 0..<Int.random(in: 0...3, using: &dice) {
                $0.parameters["p" + dice.word()] = parameter(&dice)
            }
            for index in 0..<Int.random(in: 1...4, using: &dice) {
                $0.inputs.append(
                    .with {
                        $0.name = "in\(index)"
                        $0.datatype = DataType.allCases.randomElement(using: &dice)?.name ?? ""
                        $0.shape = (0..<Int.random(in: 0...4, using: &dice)).map { _ in
                            Int64.random(in: 0...1_000, using: &dice)
                        }
                    }
                )
                $0.rawInputContents.append(Data(dice.bytes(300)))
            }
            for index in 0..<Int.random(in: 0...2, using: &dice) {
                $0.outputs.append(.with { $0.name = "out\(index)" })
            }
        }
    }

    private func chunks(_ bytes: [UInt8], _ dice: inout Dice) -> GRPCMessage {
        var cut = Int.random(in: 0...bytes.count, using: &dice)
        var message = GRPCMessage(ByteBuffer(bytes: bytes[..<cut]))
        while cut < bytes.count {
            let end = Int.random(in: cut...min(bytes.count, cut + 200), using: &dice)
            message.append(ByteBuffer(bytes: bytes[cut..<end]))
            cut = end
        }
        return message
    }

    private func wire(_ value: ParameterValue) -> Inference_InferParameter {
        .with {
            switch value {
            case .flag(let flag): $0.boolParam = flag
            case .int64(let number): $0.int64Param = number
            case .uint64(let number): $0.uint64Param = number
            case .double(let number): $0.doubleParam = number
            case .text(let text): $0.stringParam = text
            }
        }
    }

    @Test("Random requests, whole and in chunks, mean the same to both codecs")
    func requests() throws {
        let seed: UInt64 = 20_261_121
        var dice = Dice(state: seed)
        for round in 0..<500 {
            let original = request(&dice)
            let bytes: [UInt8] = try original.serializedBytes()
            let message = chunks(bytes, &dice)
            let split = try SplitInferDecoder.decode(message)
            let whole = try bytes.withUnsafeBytes { try ProtobufInferDecoder.decode($0) }
            let note: Comment = "seed \(seed), round \(round)"
            #expect(split == whole, note)
            #expect(whole.modelName == original.modelName, note)
            #expect(whole.modelVersion == original.modelVersion, note)
            #expect(whole.id == original.id, note)
            var parameters: [String: Inference_InferParameter] = [:]
            for custom in whole.options.custom { parameters[custom.name] = wire(custom.value) }
            #expect(parameters == original.parameters, note)
            #expect(whole.outputs.map(\.name) == original.outputs.map(\.name), note)
            try #require(whole.inputs.count == original.inputs.count, note)
            for (index, input) in whole.inputs.enumerated() {
                #expect(input.name == original.inputs[index].name, note)
                #expect(input.type.name == original.inputs[index].datatype, note)
                #expect(input.shape == original.inputs[index].shape, note)
                guard case .body(let range) = input.source else {
                    Issue.record("raw contents are not in the message", severity: .error)
                    continue
                }
                var content = [UInt8](repeating: 0, count: range.count)
                content.withUnsafeMutableBytes { message.copy(range, to: $0) }
                #expect(Data(content) == original.rawInputContents[index], note)
            }
        }
    }

    @Test("Requests cut short anywhere are refused, or mean less, but never crash")
    func truncated() throws {
        let seed: UInt64 = 7
        var dice = Dice(state: seed)
        for _ in 0..<20 {
            let bytes: [UInt8] = try request(&dice).serializedBytes()
            for end in 0..<bytes.count {
                var cut = dice
                _ = try? SplitInferDecoder.decode(chunks(Array(bytes[..<end]), &cut))
            }
        }
    }

    @Test("Random replies are read by the generated code, alone and inside a stream's message")
    func replies() throws {
        let seed: UInt64 = 99
        var dice = Dice(state: seed)
        for round in 0..<300 {
            var encoder = ProtobufInferEncoder()
            let id = Bool.random(using: &dice) ? dice.word(300) : ""
            encoder.begin(id: id, model: "m", version: 5)
            var reply = ReplyMessage(capacity: 10)
            var contents: [[UInt8]] = []
            for index in 0..<Int.random(in: 0...3, using: &dice) {
                let content = dice.bytes(400)
                contents.append(content)
                encoder.output(name: "o\(index)", type: .uint8, shape: [Int64(content.count), 1])
                encoder.appendRawHeader(byteCount: content.count)
                reply.append(encoder.bytes)
                reply.append(content)
                encoder = ProtobufInferEncoder()
            }
            reply.append(encoder.bytes)
            let note: Comment = "seed \(seed), round \(round)"
            var streamed = reply
            streamed.wrapForStream()
            let alone = try Inference_ModelInferResponse(serializedBytes: unframed(reply))
            let inside = try Inference_ModelStreamInferResponse(serializedBytes: unframed(streamed))
            #expect(inside.inferResponse == alone && inside.errorMessage.isEmpty, note)
            #expect(alone.modelName == "m" && alone.modelVersion == "5" && alone.id == id, note)
            #expect(alone.rawOutputContents == contents.map { Data($0) }, note)
            for (index, output) in alone.outputs.enumerated() {
                #expect(output.name == "o\(index)" && output.datatype == "UINT8", note)
                #expect(output.shape == [Int64(contents[index].count), 1], note)
            }
        }
    }

    @Test(
        "A framed reply has its length before it, packed or not",
        arguments: [
            MessageEncoding.identity, .gzip, .deflate,
        ]
    )
    func framing(_ encoding: MessageEncoding) throws {
        let reply = ReplyMessage(Array(repeating: 7 as UInt8, count: 5_000))
        var assembler = MessageAssembler(limit: 10_000)
        assembler.append(reply.framed(encoding))
        guard case .message(var message, let compressed) = try assembler.next() else {
            Issue.record("no whole message", severity: .error)
            return
        }
        #expect(compressed == (encoding != .identity))
        if compressed { message = try MessageCompression.unpack(message, limit: 10_000) }
        #expect(Array(message.joined().readableBytesView) == Array(repeating: 7, count: 5_000))
        #expect(assembler.isBetweenMessages)
    }

    private func unframed(_ reply: ReplyMessage) -> [UInt8] {
        Array(reply.framed(.identity).readableBytesView.dropFirst(5))
    }
}
