import CCUDADriver
import CONNXRuntime
import Logging
import ServerRuntime
import ServingDomain

// MARK: - Stages

extension GPUInstance {
    func perform(_ stage: Stage) throws(EngineError) -> StageTimes? {
        guard let batch = current else { throw EngineError(.failed, "no batch was prepared") }
        return try CaptureGate.beside { () throws(EngineError) in
            do throws(EngineError) {
                try device.context.enter()
                return try carryOut(stage, of: batch)
            } catch {
                settle()
                throw error
            }
        }
    }

    /// Waits for what a failed stage may have queued: memory is used again, or given back, only
    /// when no copy reads or writes it any more.
    func settle() {
        device.drain()
        try? lane.stream.synchronize()
    }

    private func carryOut(_ stage: Stage, of batch: BoundBatch) throws(EngineError) -> StageTimes {
        switch stage {
        case .whole:
            progress = Progress()
            try copyIn(to: .max, of: batch, on: device.copies.highIn)
            try run(batch, before: device.copies.highOut)
            try copyOut(to: .max, of: batch, on: device.copies.highOut)
            let (into, ran) = (try arrival.times(), try lane.times())
            let out = try departure.times()
            return StageTimes(
                copyInBegan: into.began,
                copyInEnded: into.ended,
                runBegan: ran.began,
                runEnded: ran.ended,
                copyOutBegan: out.began,
                copyOutEnded: out.ended
            )
        case .copyIn(let chunk):
            if chunk == 0 { progress = Progress() }
            try copyIn(to: Self.end(of: chunk), of: batch, on: device.copies.lowIn)
            let (began, ended) = try arrival.times()
            return StageTimes(stage, from: began, to: ended)
        case .run(let segments):
            guard segments.lowerBound == 0, segments.upperBound == 1 else {
                throw EngineError(
                    .failed,
                    "ONNX Runtime runs a batch in one segment, not \(segments)"
                )
            }
            // What the core left out for being too small to be a chunk of its own.
            try copyIn(to: .max, of: batch, on: device.copies.lowIn)
            try run(batch, before: device.copies.lowOut)
            let (began, ended) = try lane.times()
            return StageTimes(stage, from: began, to: ended)
        case .copyOut(let chunk):
            guard progress.hasRun else {
                throw EngineError(.failed, "there is nothing to copy: the batch has not run")
            }
            try copyOut(to: Self.end(of: chunk), of: batch, on: device.copies.lowOut)
            let (began, ended) = try departure.times()
            return StageTimes(stage, from: began, to: ended)
        }
    }

    private static func end(of chunk: Int32) -> Int {
        Int(clamping: (Int64(chunk) + 1) * StagePlan.chunkBytes)
    }

    /// Copies what is left of the outputs, and waits for it.
    func copyRest(of batch: BoundBatch) throws(EngineError) {
        let total = batch.outputs.reduce(0) { $0 + $1.byteCount }
        guard progress.copiedOut < total else { return }
        do throws(EngineError) {
            try copyOut(to: .max, of: batch, on: device.copies.lowOut)
            _ = try departure.times()
        } catch {
            settle()
            throw error
        }
    }

    /// Queues the inputs' bytes up to `end`, all inputs taken one after the other.
    private func copyIn(
        to end: Int,
        of batch: BoundBatch,
        on stream: CUDAStream
    ) throws(EngineError) {
        let from = progress.copiedIn
        try arrival.queue(on: stream) { () throws(EngineError) in
            try Self.pieces(batch.sizes.map { $0 ?? 0 }, from..<max(from, end)) {
                (index, part) throws(EngineError) in
                try inputs[index].copyIn(part, on: stream)
                progress.copiedIn += part.count
            }
        }
    }

    /// Queues the outputs' bytes up to `end`.
    private func copyOut(
        to end: Int,
        of batch: BoundBatch,
        on stream: CUDAStream
    ) throws(EngineError) {
        let from = progress.copiedOut
        try departure.queue(on: stream) { () throws(EngineError) in
            try Self.pieces(batch.outputs.map(\.byteCount), from..<max(from, end)) {
                (index, part) throws(EngineError) in
                try copyOut(part, of: index, batch, on: stream)
                progress.copiedOut += part.count
            }
        }
    }

    private func copyOut(
        _ part: Range<Int>,
        of index: Int,
        _ batch: BoundBatch,
        on stream: CUDAStream
    ) throws(EngineError) {
        guard batch.outputs[index].room != .own else {
            return try results[index].copyOut(part, on: stream)
        }
        // The library made room for it; its address is one of the device.
        let value = try lent.value(index, of: batch, named: layout.outputs[index].name)
        var base: UnsafeMutableRawPointer?
        try library.check(library.calls.tensor_bytes(value, &base), "a tensor's bytes")
        guard let base else { return }
        if sessions.provider.isHost {
            (results[index].host + part.lowerBound).copyMemory(
                from: base + part.lowerBound,
                byteCount: part.count
            )
        } else {
            let place = ccuda_address(UInt(bitPattern: base))
            try results[index].copyOut(part, from: place, on: stream)
        }
    }

    /// Cuts a range of tensors that stand one after the other into ranges of single tensors.
    static func pieces(
        _ sizes: [Int],
        _ range: Range<Int>,
        _ body: (Int, Range<Int>) throws(EngineError) -> Void
    ) throws(EngineError) {
        var begin = 0
        for (index, size) in sizes.enumerated() {
            let part = range.clamped(to: begin..<begin + size)
            if !part.isEmpty { try body(index, part.lowerBound - begin..<part.upperBound - begin) }
            begin += size
        }
    }
}

// MARK: - Running

extension GPUInstance {
    /// Runs the batch on the gpulet once its inputs are there; `other` goes on after it.
    private func run(_ batch: BoundBatch, before other: CUDAStream) throws(EngineError) {
        lent.giveBack()
        try lane.begin(after: arrival.ended)
        try batch.renewOutputs(layout)
        if batch.items > mostItems {
            try runParts(of: batch)
        } else {
            try runOrShrink(batch)
        }
        // The library leaves whichever context it likes (platform notes, F.3).
        try device.context.enter()
        try learnShapes(of: batch)
        try lane.end(before: other)
        progress.hasRun = true
        progress.copiedOut = 0
    }

    /// Where memory runs out: what idle sessions hold is given up first, then the batch is halved.
    private func runOrShrink(_ batch: BoundBatch) throws(EngineError) {
        do throws(EngineError) {
            do throws(EngineError) {
                try run(batch, retries: true)
            } catch {
                guard error.kind == .outOfMemory, device.idle.drop() > 0 else { throw error }
                try run(batch, retries: true)
            }
        } catch {
            try shrink(batch, after: error)
            try runParts(of: batch)
        }
    }

    func run(_ batch: BoundBatch, retries: Bool) throws(EngineError) {
        let options = try gate.begin(graph: graph(of: batch))
        let complaint: ONNXLibrary.Complaint?
        if let text = sessions.provider.complaint?(batch.items) {
            complaint = .init(code: 1, text: text)
        } else {
            let handle = lane.session.handle
            complaint = library.take(library.calls.run(handle, options, batch.binding))
        }
        let asked = gate.end()
        guard let complaint else { return }
        if asked {
            throw EngineError(.terminated, "\(title): the batch was ended before it was done")
        }
        // A GPU that is lost says so at the next call, whatever the library made of it.
        try lane.stream.synchronize()
        if ONNXLibrary.isOutOfMemory(complaint.text) {
            throw EngineError(
                .outOfMemory,
                "\(title): memory of GPU \(device.facts.ordinal) ran out in a batch of "
                    + "\(batch.items): \(complaint.text); lower the batch limit"
            )
        }
        if retries, batch.loosen(layout) {
            try bind(batch)
            return try run(batch, retries: false)
        }
        let kind: EngineError.Kind =
            complaint.code == connx_code_invalid_argument ? .badInput : .failed
        throw EngineError(kind, "\(title): the run failed: \(complaint.text)")
    }

    /// Halves the number of items that are run at once, where that may help; else throws.
    private func shrink(_ batch: BoundBatch, after error: EngineError) throws(EngineError) {
        let canBeCut =
            layout.batched && batch.items > 1
            && batch.outputs.allSatisfy { $0.room == .own && $0.shape.first == Int64(batch.items) }
        guard error.kind == .outOfMemory, canBeCut else { throw error }
        mostItems = max(1, batch.items / 2)
        engineLog.warning(
            """
            \(title): GPU memory did not do for a batch of \(batch.items); batches are run \
            \(mostItems) items at a time from now on; lower the batch limit
            """
        )
    }

    /// Runs a batch in parts of `mostItems`, each over its rows of the batch's memory.
    private func runParts(of batch: BoundBatch) throws(EngineError) {
        var done: Int32 = 0
        while done < batch.items {
            let count = min(mostItems, batch.items - done)
            let part = try part(of: batch, from: done, count: count)
            do throws(EngineError) {
                try run(part, retries: false)
                done += count
            } catch {
                guard error.kind == .outOfMemory, count > 1 else { throw error }
                mostItems = max(1, count / 2)
            }
        }
    }

    private func part(
        of batch: BoundBatch,
        from row: Int32,
        count: Int32
    ) throws(EngineError) -> BoundBatch {
        let part: BoundBatch
        if let known = parts.first(where: { $0.items == count && $0.shapes == batch.shapes }) {
            part = known
        } else {
            part = try newBatch(count, batch.shapes)
            if parts.count >= 8 { parts.removeFirst() }
            parts.append(part)
        }
        let (items, row) = (Int(batch.items), Int(row))
        try part.bind(
            layout: layout,
            inputs: inputs.indices.map { index in
                inputs[index].onDevice + (batch.sizes[index] ?? 0) / items * row
            },
            results: results.indices.map { index in
                results[index].onDevice + batch.outputs[index].byteCount / items * row
            },
            generation: 0
        )
        return part
    }

    /// After a run: outputs whose shape depends on the data get as much pinned memory as they need.
    private func learnShapes(of batch: BoundBatch) throws(EngineError) {
        for (index, output) in batch.outputs.enumerated() where output.room != .own {
            let tensor = layout.outputs[index]
            let value = try lent.value(index, of: batch, named: tensor.name)
            let shape = try lent.shape(of: value)
            guard let size = tensor.size(of: shape) else {
                throw EngineError(.failed, "output '\(tensor.name)' is larger than 8 GiB")
            }
            batch.outputs[index].shape = shape
            batch.outputs[index].byteCount = size
            if results[index].capacity < size {
                // Bindings to the old memory are void.
                _ = try results[index].reserve(size)
                forgetBindings()
            }
        }
    }
}
