import ServingDomain

/// Events in the journal's form.
extension JournalBytes {
    mutating func append(_ event: Event, at now: Instant) {
        switch event {
        case .arrived(let arrival): append(1, arrival, at: now)
        case .cancelled(let request): append(2, request)
        case .stageFinished(let batch, let times): append(3, batch, times, at: now)
        case .batchFinished(let batch, let times): append(4, batch, times, at: now)
        case .batchFailed(let batch): append(5, batch)
        case .batchRefused(let batch): append(6, batch)
        case .instanceReady(let instance, let points):
            append(byte: 7)
            append(instance.index)
            append(all: points) { $0.append($1) }
        case .instanceGone(let instance, let end):
            append(byte: 8)
            append(instance.index)
            append(byte: end.rawValue)
        case .modelAdded(let spec): append(9, spec)
        case .modelChanged(let spec): append(10, spec)
        case .modelRemoved(let model): append(11, model.index)
        case .deviceLost(let device): append(12, device.index)
        case .deviceBack(let device): append(13, device.index)
        case .planReady(let epoch, let plan):
            append(byte: 14)
            append(epoch.number)
            append(plan)
        case .planFailed(let epoch):
            append(byte: 15)
            append(epoch.number)
        case .stepDone(let epoch, let step): append(16, epoch, step)
        case .stepFailed(let epoch, let step): append(17, epoch, step)
        case .drainBegan: append(byte: 18)
        case .wake: append(byte: 19)
        case .measured(let model, let kind, let points):
            append(20, model.index)
            append(kind)
            append(all: points) { $0.append($1) }
        }
    }

    private mutating func append(_ kind: UInt8, _ arrival: Arrival, at now: Instant) {
        append(byte: kind)
        append(arrival.request.slot)
        append(UInt64(arrival.request.generation))
        append(arrival.model.index)
        append(arrival.items)
        append(arrival.shape.index)
        append(arrival.level)
        append(arrival.arrival, from: now)
        let flags: UInt8 = (arrival.deadline == nil ? 0 : 1) | (arrival.timeout == nil ? 0 : 2)
        append(byte: flags)
        if let deadline = arrival.deadline { append(deadline, from: now) }
        if let timeout = arrival.timeout { append(timeout, from: now) }
    }

    private mutating func append(_ kind: UInt8, _ request: RequestID) {
        append(byte: kind)
        append(request.slot)
        append(UInt64(request.generation))
    }

    private mutating func append(_ kind: UInt8, _ batch: BatchID) {
        append(byte: kind)
        append(batch.slot)
        append(UInt64(batch.generation))
    }

    private mutating func append(
        _ kind: UInt8,
        _ batch: BatchID,
        _ times: StageTimes,
        at now: Instant
    ) {
        append(kind, batch)
        append(times.copyInBegan, from: now)
        append(times.copyInEnded, from: times.copyInBegan)
        append(times.runBegan, from: times.copyInEnded)
        append(times.runEnded, from: times.runBegan)
        append(times.copyOutBegan, from: times.runEnded)
        append(times.copyOutEnded, from: times.copyOutBegan)
    }

    private mutating func append(_ kind: UInt8, _ index: Int32) {
        append(byte: kind)
        append(index)
    }

    private mutating func append(_ kind: UInt8, _ spec: ModelSpec) {
        append(byte: kind)
        append(spec)
    }

    private mutating func append(_ kind: UInt8, _ epoch: Epoch, _ step: RolloutStep) {
        append(byte: kind)
        append(epoch.number)
        switch step {
        case .open(let gpulet, let device, let units):
            append(1, gpulet.index)
            append(device.index)
            append(units)
        case .pin(let gpulet, let units):
            append(2, gpulet.index)
            append(units)
        case .close(let gpulet): append(3, gpulet.index)
        }
    }
}

extension JournalCursor {
    mutating func event(at now: Instant) throws(JournalError) -> Event {
        switch try byte() {
        case 1: return .arrived(try arrival(at: now))
        case 2: return .cancelled(try request())
        case 3: return .stageFinished(try batch(), try times(at: now))
        case 4: return .batchFinished(try batch(), try times(at: now))
        case 5: return .batchFailed(try batch())
        case 6: return .batchRefused(try batch())
        case 7:
            return .instanceReady(
                InstanceID(try small()),
                try all { cursor throws(JournalError) in try cursor.point() }
            )
        case 8: return .instanceGone(InstanceID(try small()), try choice(of: InstanceEnd.self))
        case 9: return .modelAdded(try spec())
        case 10: return .modelChanged(try spec())
        case 11: return .modelRemoved(ModelID(try small()))
        case 12: return .deviceLost(DeviceID(try small()))
        case 13: return .deviceBack(DeviceID(try small()))
        case 14: return .planReady(Epoch(try signed()), try plan())
        case 15: return .planFailed(Epoch(try signed()))
        case 16: return .stepDone(Epoch(try signed()), try step())
        case 17: return .stepFailed(Epoch(try signed()), try step())
        case 18: return .drainBegan
        case 19: return .wake
        case 20:
            return .measured(
                ModelID(try small()),
                kind: try text(),
                try all { cursor throws(JournalError) in try cursor.point() }
            )
        default: throw .damaged("an event is of no known kind")
        }
    }

    private mutating func arrival(at now: Instant) throws(JournalError) -> Arrival {
        let request = try request()
        var arrival = Arrival(request: request, model: ModelID(try small()), arrival: now)
        arrival.items = try small()
        arrival.shape = ShapeKey(try small())
        arrival.level = try small()
        arrival.arrival = try instant(from: now)
        let flags = try byte()
        guard flags < 4 else { throw .damaged("an arrival has flags that there aren't") }
        if flags & 1 != 0 { arrival.deadline = try instant(from: now) }
        if flags & 2 != 0 { arrival.timeout = try instant(from: now) }
        return arrival
    }

    private mutating func generation() throws(JournalError) -> UInt32 {
        guard let generation = UInt32(exactly: try number()) else {
            throw .damaged("a generation lies outside of its range")
        }
        return generation
    }

    private mutating func request() throws(JournalError) -> RequestID {
        RequestID(slot: try small(), generation: try generation())
    }

    private mutating func batch() throws(JournalError) -> BatchID {
        BatchID(slot: try small(), generation: try generation())
    }

    private mutating func times(at now: Instant) throws(JournalError) -> StageTimes {
        let copyInBegan = try instant(from: now)
        let copyInEnded = try instant(from: copyInBegan)
        let runBegan = try instant(from: copyInEnded)
        let runEnded = try instant(from: runBegan)
        let copyOutBegan = try instant(from: runEnded)
        return StageTimes(
            copyInBegan: copyInBegan,
            copyInEnded: copyInEnded,
            runBegan: runBegan,
            runEnded: runEnded,
            copyOutBegan: copyOutBegan,
            copyOutEnded: try instant(from: copyOutBegan)
        )
    }

    private mutating func step() throws(JournalError) -> RolloutStep {
        switch try byte() {
        case 1: return .open(GpuletID(try small()), DeviceID(try small()), units: try small())
        case 2: return .pin(GpuletID(try small()), units: try small())
        case 3: return .close(GpuletID(try small()))
        default: throw .damaged("a step is of no known kind")
        }
    }
}
