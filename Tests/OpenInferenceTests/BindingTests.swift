import OpenInference
import ServingDomain
import Testing

@Suite("Requests held against their model")
struct BindingTests {
    private func request(
        _ shape: [Int64],
        _ type: DataType = .fp32,
        bytes count: Int,
        name: String = "x"
    ) -> InferRequest {
        var request = InferRequest()
        request.inputs = [
            RequestInput(name: name, type: type, shape: shape, source: .body(0..<count))
        ]
        return request
    }

    private func error(
        _ request: InferRequest,
        _ signature: ModelSignature,
        body: [UInt8] = []
    ) -> WireError? {
        failure { () throws(WireError) in _ = try bind(request, signature, body: body) }
    }

    @Test("A batch that fits gives items, rows and every output in the model's order.")
    func bindsBatch() throws {
        let bound = try bind(request([3, 4], bytes: 48), model())
        #expect(bound.items == 3)
        #expect(bound.dims == [[4]])
        #expect(bound.byteCount(input: 0) == 48)
        #expect(bound.outputs == [WantedOutput(index: 0, isBinary: false)])
        #expect(bound.place(output: 0) == 0)
        let single = try bind(request([4], bytes: 16), model(batched: false))
        #expect(single.items == 1)
        #expect(single.dims == [[4]])
        let free = try bind(request([2, 5], bytes: 40), model([-1]))
        #expect(free.dims == [[5]])
    }

    @Test("Whatever does not fit is refused: name, type, shape, batch, bytes.")
    func refuses() {
        #expect(error(request([1, 4], bytes: 16, name: "q"), model()) != nil)
        #expect(error(request([1, 4], .fp64, bytes: 32), model()) != nil)
        #expect(error(request([4], bytes: 16), model()) != nil)
        #expect(error(request([1, 5], bytes: 20), model()) != nil)
        #expect(error(request([1, 1, 4], bytes: 16), model()) != nil)
        #expect(error(request([], bytes: 0), model()) != nil)
        #expect(error(request([0, 4], bytes: 0), model()) != nil)
        #expect(error(request([9, 4], bytes: 144), model())?.message.contains("1 to 8") == true)
        #expect(error(request([-1, 4], bytes: 16), model()) != nil)
        #expect(error(request([1, -4], bytes: 16), model([-1])) != nil)
        #expect(error(request([1, 4], bytes: 15), model()) != nil)
        #expect(error(request([1, 4], bytes: 17), model()) != nil)
        #expect(error(request([1, .max], bytes: 16), model([-1])) != nil)
        #expect(error(request([2, .max], bytes: 16), model([-1])) != nil)
        #expect(error(InferRequest(), model())?.message.contains("'x'") == true)
        var twice = request([1, 4], bytes: 16)
        twice.inputs.append(twice.inputs[0])
        #expect(error(twice, model())?.message.contains("twice") == true)
    }

    @Test("All inputs bring the same items; optional ones may be left out.")
    func bindsSeveral() throws {
        var signature = model()
        signature.inputs.append(TensorSpec(name: "m", type: .int64, dims: [1], optional: true))
        let bound = try bind(request([2, 4], bytes: 32), signature)
        #expect(bound.dims == [[4], nil])
        #expect(bound.byteCount(input: 1) == 0)
        var uneven = request([2, 4], bytes: 32)
        uneven.inputs.append(
            RequestInput(name: "m", type: .int64, shape: [3, 1], source: .body(0..<24))
        )
        #expect(error(uneven, signature)?.message.contains("same") == true)
    }

    @Test("Outputs come in the order asked for; unknown and repeated ones are refused.")
    func bindsOutputs() throws {
        var signature = model()
        signature.outputs.append(TensorSpec(name: "t", type: .bytes, dims: [1]))
        var wish = request([1, 4], bytes: 16)
        wish.options.wantsBinary = true
        wish.outputs = [
            RequestedOutput(name: "t", binary: false), RequestedOutput(name: "y", classes: 1),
        ]
        let bound = try bind(wish, signature)
        #expect(bound.outputs.map(\.index) == [1, 0])
        #expect(bound.outputs.map(\.isBinary) == [false, true])
        #expect(bound.place(output: 0) == 1)
        #expect(bound.place(output: 1) == 0)
        wish.outputs = [RequestedOutput(name: "nope")]
        #expect(error(wish, signature)?.message.contains("nope") == true)
        wish.outputs = [RequestedOutput(name: "y"), RequestedOutput(name: "y")]
        #expect(error(wish, signature) != nil)
        wish.outputs = [RequestedOutput(name: "t", classes: 2)]
        #expect(error(wish, signature) != nil)
    }

    @Test("BYTES must be whole elements, as many as the shape says, in any pieces.")
    func checksElements() throws {
        let good = elements(["ab", "", "c"])
        let signature = model([3], type: .bytes)
        #expect(error(request([1, 3], .bytes, bytes: good.count), signature, body: good) == nil)
        for cut in 0..<good.count {
            #expect(
                error(request([1, 3], .bytes, bytes: cut), signature, body: good) != nil,
                "\(cut)"
            )
        }
        let lying = bytes([UInt32.max]) + [1, 2, 3]
        #expect(
            error(request([1, 3], .bytes, bytes: lying.count), signature, body: lying) != nil
        )
        for cut in 0...good.count {
            var check = BytesElements()
            good[..<cut].withUnsafeBytes { check.take($0) }
            good[cut...].withUnsafeBytes { check.take($0) }
            #expect(check.isWhole && check.count == 3, "\(cut)")
        }
    }

    @Test("With reshape the engine sees its own dimensions, free ones filled in order.")
    func reshapes() throws {
        var signature = model([-1, 2])
        signature.inputs[0].engineDims = [2, -1]
        #expect(try bind(request([1, 3, 2], bytes: 24), signature).dims == [[2, 3]])
        signature = model([4])
        signature.inputs[0].engineDims = [2, 2]
        #expect(try bind(request([1, 4], bytes: 16), signature).dims == [[2, 2]])
        signature.inputs[0].engineDims = []
        signature.inputs[0].dims = [1]
        #expect(try bind(request([3, 1], bytes: 12), signature).dims == [[]])
    }
}
