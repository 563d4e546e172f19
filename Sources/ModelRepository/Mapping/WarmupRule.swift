import ServerRuntime
import ServingDomain

/// Maps `model_warmup`: makes the rows to run before a model is ready.
struct WarmupRule {
    private let signature: ModelSignature
    private let maxBatch: Int64
    private let folder: ModelFolder
    private let limits: RepositoryLimits
    private var bytesLeft: Int

    static func map(
        _ config: ConfigMessage,
        _ signature: ModelSignature,
        _ folder: ModelFolder,
        _ limits: RepositoryLimits,
        _ findings: inout Findings
    ) -> [Warmup] {
        let entries = config.messages("model_warmup")
        let position = config.position("model_warmup")
        guard entries.count <= limits.warmups else {
            findings.error(
                "model_warmup",
                "\(entries.count) entries are above the limit of \(limits.warmups); use fewer",
                at: position
            )
            return []
        }
        var rule = WarmupRule(
            signature: signature,
            maxBatch: signature.batched ? min(config.int("max_batch_size"), limits.batch) : 1,
            folder: folder,
            limits: limits,
            bytesLeft: limits.warmupBytes
        )
        var warmups: [Warmup] = []
        for entry in entries {
            do throws(SourceError) {
                warmups.append(try rule.warmup(entry))
            } catch {
                let name = entry.string("name")
                findings.error("model_warmup", "'\(name)': \(error.message)", at: position)
            }
        }
        return warmups
    }

    private mutating func warmup(_ entry: ConfigMessage) throws(SourceError) -> Warmup {
        let batch = signature.batched ? entry.int("batch_size") : max(1, entry.int("batch_size"))
        guard (1...maxBatch).contains(batch) else {
            throw SourceError(
                .invalid,
                "batch_size must be from 1 to \(maxBatch), not \(batch)"
            )
        }
        let count = max(1, entry.int("count"))
        guard count <= limits.warmupRuns else {
            throw SourceError(.invalid, "count \(count) is above the limit of \(limits.warmupRuns)")
        }
        let given = entry.entries("inputs")
        for pair in given where !signature.inputs.contains(where: { $0.name == pair.key }) {
            let hint = NearestName.hint(pair.key, among: signature.inputs.map(\.name))
            throw SourceError(.invalid, "the model has no input '\(pair.key)'\(hint)")
        }
        var inputs: [Warmup.Input] = []
        for tensor in signature.inputs {
            let pair = given.first { $0.key == tensor.name }
            inputs.append(try input(tensor, pair?.value.asMessage))
        }
        return Warmup(
            name: entry.string("name"),
            batch: Int32(batch),
            count: Int32(count),
            inputs: inputs
        )
    }

    private mutating func input(
        _ tensor: TensorSpec,
        _ given: ConfigMessage?
    ) throws(SourceError) -> Warmup.Input {
        guard let given else {
            guard tensor.optional else {
                throw SourceError(.invalid, "the input '\(tensor.name)' is missing; add it")
            }
            let dims = tensor.dims.map { $0 == -1 ? 1 : $0 }
            return Warmup.Input(dims: dims, bytes: try zeros(tensor, dims))
        }
        let type = TensorRule.type(given.word("data_type"))
        guard type == nil || type == tensor.type else {
            throw SourceError(
                .invalid,
                "the input '\(tensor.name)' has another data_type than the model's; take it out"
            )
        }
        let dims = given.ints("dims")
        let fits =
            dims.count == tensor.dims.count
            && zip(dims, tensor.dims).allSatisfy { $0 >= 1 && ($1 == -1 || $0 == $1) }
        guard fits else {
            throw SourceError(
                .invalid,
                "the input '\(tensor.name)' has dims \(TensorRule.shown(dims)), the model takes "
                    + "\(TensorRule.shown(tensor.dims)); give one row with sizes from 1"
            )
        }
        if given.has("input_data_file") {
            let bytes = try file(given.string("input_data_file"), tensor, dims)
            return Warmup.Input(dims: dims, bytes: bytes)
        }
        if given.bool("random_data") {
            return Warmup.Input(dims: dims, bytes: try random(tensor, dims))
        }
        return Warmup.Input(dims: dims, bytes: try zeros(tensor, dims))
    }

    // MARK: Bytes

    /// The number of elements of one row, after taking its bytes off what is left.
    private mutating func claim(_ tensor: TensorSpec, _ dims: [Int64]) throws(SourceError) -> Int {
        // An element of BYTES has a length of 4 bytes and, if random, 8 letters.
        let size = tensor.type.size ?? 12
        guard let elements = TensorRule.elements(dims), Int(elements) <= bytesLeft / size else {
            throw SourceError(
                .invalid,
                "the warm-up tensors are larger than \(limits.warmupBytes) bytes; use smaller dims"
            )
        }
        bytesLeft -= Int(elements) * size
        return Int(elements)
    }

    private mutating func zeros(
        _ tensor: TensorSpec,
        _ dims: [Int64]
    ) throws(SourceError) -> [UInt8] {
        let elements = try claim(tensor, dims)
        return [UInt8](repeating: 0, count: elements * (tensor.type.size ?? 4))
    }

    private mutating func random(
        _ tensor: TensorSpec,
        _ dims: [Int64]
    ) throws(SourceError) -> [UInt8] {
        let elements = try claim(tensor, dims)
        var source = WarmupNoise()
        return source.bytes(of: tensor.type, elements: elements)
    }

    private mutating func file(
        _ name: String,
        _ tensor: TensorSpec,
        _ dims: [Int64]
    ) throws(SourceError) -> [UInt8] {
        guard let path = try folder.file("warmup/" + name, what: "input_data_file") else {
            throw SourceError(
                .invalid,
                "the file 'warmup/\(name)' is missing; put it into the model's folder"
            )
        }
        let bytes = try FileAccess.read(path, atMost: bytesLeft)
        bytesLeft -= bytes.count
        guard let elements = TensorRule.elements(dims) else {
            throw SourceError(.invalid, "dims \(TensorRule.shown(dims)) are too large")
        }
        if let size = tensor.type.size {
            guard bytes.count == Int(elements) * size else {
                throw SourceError(
                    .invalid,
                    "the file 'warmup/\(name)' has \(bytes.count) bytes, dims "
                        + "\(TensorRule.shown(dims)) need \(Int(elements) * size)"
                )
            }
        } else if Self.strings(in: bytes) != Int(elements) {
            throw SourceError(
                .invalid,
                "the file 'warmup/\(name)' does not hold \(elements) strings, each after its "
                    + "length in 4 bytes"
            )
        }
        return bytes
    }

    /// How many strings lie in the wire's layout; nil = it ends inside of one.
    private static func strings(in bytes: [UInt8]) -> Int? {
        var index = 0
        var count = 0
        while index < bytes.count {
            guard bytes.count - index >= 4 else { return nil }
            var length = 0
            for place in 0..<4 { length |= Int(bytes[index + place]) << (8 * place) }
            index += 4
            guard bytes.count - index >= length else { return nil }
            index += length
            count += 1
        }
        return count
    }
}
