import Glibc
import OpenInference
import ServingDomain
import Testing

@Suite("Mutated requests")
struct FuzzTests {
    /// Changes a few bytes: flips, cuts, doublings, and the words that parsers stumble over.
    private func mutate(_ bytes: [UInt8], _ dice: inout Dice) -> [UInt8] {
        var result = bytes
        for _ in 0..<Int.random(in: 1...4, using: &dice) where !result.isEmpty {
            let place = Int.random(in: 0..<result.count, using: &dice)
            switch Int.random(in: 0..<6, using: &dice) {
            case 0: result[place] ^= 1 << UInt8.random(in: 0..<8, using: &dice)
            case 1: result[place] = UInt8.random(in: 0...255, using: &dice)
            case 2: result.remove(at: place)
            case 3: result.removeLast(min(result.count, Int.random(in: 1...8, using: &dice)))
            case 4:
                let words = ["[", "]", "{", "\"", ",", "-1", "1e999", "NaN", "\\u", "null", ":"]
                let word = words.randomElement(using: &dice) ?? ""
                result.insert(contentsOf: Array(word.utf8), at: place)
            default:
                let end = min(result.count, place + Int.random(in: 1...32, using: &dice))
                result.insert(contentsOf: result[place..<end], at: place)
            }
        }
        return result
    }

    private func isClean(_ error: WireError) -> Bool {
        !error.message.isEmpty && !error.message.contains("\n") && error.kind.httpStatus < 500
    }

    @Test("JSON and binary bodies, mutated: never a crash, every error one clean line.")
    func survivesJSON() throws {
        let seed: UInt64 = 0x5EED_0003
        print("seed \(seed)")
        var dice = Dice(seed: seed)
        let json = Array(
            #"""
            {"id":"é\n","parameters":{"priority":1,"timeout":9,"c":"v"},"inputs":[{"name":"x",
            "shape":[2,2],"datatype":"FP32","data":[[1.5,2e3],[-3,0.25]]},{"name":"s","shape":[2],
            "datatype":"BYTES","data":["a","\ud83d\ude00"]},{"name":"b","shape":[4],"datatype":
            "INT8","parameters":{"binary_data_size":4}}],"outputs":[{"name":"y","parameters":
            {"classification":2,"binary_data":true}}]}
            """#.utf8
        )
        let body = json + [1, 2, 3, 4]
        #expect(try decode(body, header: json.count).inputs.count == 3)
        var accepted = 0
        for round in FuzzRounds(atLeast: 30_000) {
            let mutant = mutate(body, &dice)
            let header = Int.random(in: 0..<4, using: &dice) == 0 ? mutant.count : json.count
            let error = failure { () throws(WireError) in
                let request = try decode(mutant, header: header)
                accepted += 1
                for input in request.inputs {
                    guard case .body(let range) = input.source else { continue }
                    #expect(range.lowerBound >= 0 && range.upperBound <= mutant.count)
                }
                _ = try bind(request, model([2, 2], batched: false), body: mutant)
            }
            if let error { #expect(isClean(error), "round \(round): \(error)") }
        }
        #expect(accepted > 0)
    }

    @Test("Protobuf messages, mutated: never a crash, ranges inside, every error one clean line.")
    func survivesProtobuf() throws {
        let seed: UInt64 = 0x5EED_0004
        print("seed \(seed)")
        var dice = Dice(seed: seed)
        var request = InferRequest()
        request.modelName = "model"
        request.id = "é"
        request.options.priority = 2
        request.options.custom = [RequestParameter("t", .text("v"))]
        request.inputs = [
            RequestInput(name: "x", type: .fp32, shape: [1, 4], source: .body(0..<16)),
            RequestInput(name: "t", type: .bytes, shape: [2], source: .body(0..<10)),
        ]
        request.outputs = [RequestedOutput(name: "y", classes: 1)]
        let message = InferRequestEncoder.protobuf(
            request,
            data: [Array(repeating: 1, count: 16), elements(["a", "b"])]
        )
        for round in FuzzRounds(atLeast: 30_000) {
            let mutant = mutate(message, &dice)
            let error = failure { () throws(WireError) in
                let request = try decodeProtobuf(mutant)
                for input in request.inputs {
                    guard case .body(let range) = input.source else { continue }
                    #expect(range.lowerBound >= 0 && range.upperBound <= mutant.count)
                }
                _ = try bind(request, model(), body: mutant)
            }
            if let error { #expect(isClean(error), "round \(round): \(error)") }
        }
    }

    @Test("Random bytes are never a request.")
    func survivesNoise() {
        let seed: UInt64 = 0x5EED_0005
        print("seed \(seed)")
        var dice = Dice(seed: seed)
        for _ in FuzzRounds(atLeast: 5_000) {
            let noise = (0..<Int.random(in: 0...64, using: &dice)).map { _ in
                UInt8.random(in: 0...255, using: &dice)
            }
            let error = failure { () throws(WireError) in _ = try decode(noise) }
            #expect(error != nil)
            _ = failure { () throws(WireError) in _ = try decodeProtobuf(noise) }
        }
    }
}

/// Numbers of rounds: a fixed count in a common test run, and on until the time of
/// `SLUICE_FUZZ_SECONDS` is up under `make fuzz`.
private struct FuzzRounds: Sequence, IteratorProtocol {
    private let least: Int
    private let end: ContinuousClock.Instant?
    private var round = -1

    init(atLeast least: Int) {
        self.least = least
        end = getenv("SLUICE_FUZZ_SECONDS").flatMap { Int(String(cString: $0)) }
            .map { .now.advanced(by: .seconds($0)) }
    }

    mutating func next() -> Int? {
        round += 1
        if round < least { return round }
        return end.map { ContinuousClock.now < $0 } == true ? round : nil
    }
}
