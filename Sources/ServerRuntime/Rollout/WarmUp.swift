import Glibc
import ServerCore
import ServingDomain

/// Runs a fresh instance at batch sizes that will be used, and measures it by the way.
///
/// Which sizes depends on what is known. Where the engine prepares for each one, all of them; else
/// doublings and the largest if they are to be measured (between them latency counts as linear),
/// and few if they are known: a size that did not run is hardly slower at first (GoogLeNet on two
/// cores: 3 items 66 ms the first time, 64 to 68 later), and serving would wait for it.
///
/// Each size counts with the fastest of a few runs: warm-up goes on beside whatever the server
/// is doing, so the fastest is the least disturbed. Where the calling thread computes, a run that
/// took much longer than the processor time it got was kept waiting and counts with the latter,
/// and a quarter. The forecast corrects it from then on.
struct WarmUp {
    let signature: ModelSignature
    let batchLimit: Int32
    let extra: [Warmup]
    let units: Int32
    var aim = Aim.measure

    /// What it is to find out.
    enum Aim: Hashable {
        /// Latencies, for nobody knows them.
        case measure
        /// Whether what is known still holds: the latency of one item, and of batches up to
        /// `largest`; larger ones are measured. It does not if one item takes much less, since what
        /// was measured beside other work must not be believed for ever; then all are.
        case check(oneItem: TimeSpan, largest: Int32)
        /// Whether one item and the largest batch run at all: another instance measures the same
        /// at this moment.
        case accompany
    }

    /// Where every size is run, this is the last; beyond, only doublings and the limit itself.
    static let everySizeUpTo: Int32 = 16
    /// Timed runs of a size, at most.
    static let runs = 5
    /// Further runs of a size stop when this much time has gone into it.
    static let budget = TimeSpan.milliseconds(100)

    /// Warms an instance. Blocks for about `sizes x (first run + budget)`.
    func run(_ instance: any EngineInstance) throws(EngineError) -> [LatencySurface.Point] {
        for warmup in extra {
            for _ in 0..<warmup.count {
                try perform(
                    instance,
                    items: warmup.batch,
                    shapes: InputShapes(warmup.inputs.map(\.dims)),
                    rows: warmup.inputs.map(\.bytes)
                )
            }
        }
        let measures = try measures(instance)
        let sizes =
            instance.preparesForEachSize ? everySize : measures ? doublings : fewSizes
        var points: [LatencySurface.Point] = []
        for items in sizes {
            if measures || isUnseen(items) {
                let latency = try fastest(instance, items)
                points.append(.init(batch: items, units: units, latency: latency))
            } else {
                let (shapes, rows) = zeros
                try perform(instance, items: items, shapes: shapes, rows: rows)
            }
        }
        // Large batches leave much memory behind that an idle server should not hold.
        if let largest = sizes.last, largest > 1 {
            let (shapes, rows) = zeros
            try perform(instance, items: 1, shapes: shapes, rows: rows)
            try instance.trim()
        }
        return points
    }

    /// Doublings and the limit, ascending.
    var doublings: [Int32] { everySize.filter { $0.nonzeroBitCount == 1 || $0 == batchLimit } }

    /// What has to run where what is known holds.
    private var fewSizes: [Int32] {
        if case .check = aim { return doublings.filter { $0 == 1 || isUnseen($0) } }
        return doublings.filter { $0 == 1 || $0 == batchLimit }
    }

    /// Whether a batch is larger than all that were measured.
    private func isUnseen(_ items: Int32) -> Bool {
        if case .check(_, let largest) = aim { items > largest } else { false }
    }

    /// All small sizes, then doublings, then the limit.
    var everySize: [Int32] {
        var sizes = Array(1...min(batchLimit, Self.everySizeUpTo))
        var next = Self.everySizeUpTo * 2
        while next < batchLimit {
            sizes.append(next)
            next *= 2
        }
        if let last = sizes.last, last < batchLimit { sizes.append(batchLimit) }
        return sizes
    }

    /// Whether latencies are to be found out. What is known of one item holds while a few runs
    /// take two thirds of it at least: what was measured beside others is a quarter too long.
    private func measures(_ instance: any EngineInstance) throws(EngineError) -> Bool {
        // A model with free dimensions has no one latency: it is warmed, not measured.
        guard signature.inputs.allSatisfy(\.isFixed) else { return false }
        switch aim {
        case .measure: return true
        case .check(let known, _):
            return try fastest(instance, 1).nanoseconds < known.nanoseconds / 3 * 2
        case .accompany: return false
        }
    }

    /// One row of zeros for every input that must be there.
    private var zeros: (shapes: InputShapes, rows: [[UInt8]]) {
        let dims = signature.inputs.map { input -> [Int64]? in
            input.optional ? nil : (input.engineDims ?? input.dims).map { max($0, 1) }
        }
        let rows = zip(signature.inputs, dims).map { input, dims in
            Self.zeroRow(input.type, dims ?? [])
        }
        return (InputShapes(dims), rows)
    }

    /// The fastest of a few runs of `items`, after one that does not count.
    func fastest(
        _ instance: any EngineInstance,
        _ items: Int32
    ) throws(EngineError) -> TimeSpan {
        let (shapes, rows) = zeros
        try perform(instance, items: items, shapes: shapes, rows: rows)
        var fastest = TimeSpan(nanoseconds: .max)
        let end = MonotonicTime.now() + Self.budget
        for run in 0..<Self.runs where run == 0 || MonotonicTime.now() < end {
            let (began, work) = (MonotonicTime.now(), MonotonicTime.ofThread())
            try perform(instance, items: items, shapes: shapes, rows: rows)
            let span = MonotonicTime.now() - began
            let worked = TimeSpan(
                nanoseconds: (MonotonicTime.ofThread() - work).nanoseconds / 4 * 5
            )
            fastest = min(fastest, instance.computesOnCaller ? min(span, worked) : span)
        }
        return fastest
    }

    private func perform(
        _ instance: any EngineInstance,
        items: Int32,
        shapes: InputShapes,
        rows: [[UInt8]]
    ) throws(EngineError) {
        try instance.prepare(items: items, shapes: shapes)
        for (index, row) in rows.enumerated() where shapes.dims[index] != nil {
            try instance.fill(index, with: row, items: items)
        }
        try instance.perform(.whole)
        for index in signature.outputs.indices { _ = try instance.output(index) }
    }

    /// A row of zeros: empty strings for BYTES.
    private static func zeroRow(_ type: DataType, _ dims: [Int64]) -> [UInt8] {
        let elements = dims.reduce(1) { $0 * Int($1) }
        return [UInt8](repeating: 0, count: elements * (type.size ?? 4))
    }
}
