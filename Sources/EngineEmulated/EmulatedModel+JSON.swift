import Foundation
import ServerRuntime
import ServingDomain
import VirtualDevices

extension EmulatedModel {
    /// Reads an `emulated.json`:
    ///
    ///     {"inputs": [{"name": "INPUT", "type": "FP32", "dims": [16]}], "outputs": [...],
    ///      "batched": true, "latency": [{"batch": 1, "units": 1, "ms": 2.5}, ...],
    ///      "noise": 0.05, "seed": 1, "weightsMiB": 0,
    ///      "fail": {"load": false, "instance": false, "warm": false, "every": 0}}
    ///
    /// All but `inputs` and `outputs` may be left out. An unknown key is an error.
    init(json: Data, name: String) throws(EngineError) {
        let parsed = try? JSONSerialization.jsonObject(with: json)
        guard let object = parsed as? [String: Any] else {
            throw EngineError(.badModel, "model '\(name)': emulated.json is not a JSON object")
        }
        let root = Section(object, path: "emulated.json of model '\(name)'")
        try root.allow([
            "inputs", "outputs", "batched", "latency", "noise", "seed", "weightsMiB", "fail",
        ])
        self.init(
            signature: ModelSignature(
                inputs: try root.tensors("inputs"),
                outputs: try root.tensors("outputs"),
                batched: try root.bool("batched", default: true)
            ),
            timing: try root.timing(),
            weightsMiB: Int64(try root.number("weightsMiB", default: 0, within: 0...1e9)),
            control: EmulatedControl()
        )
        if let fail = try root.section("fail") {
            try fail.allow(["load", "instance", "warm", "every"])
            control.set(
                EmulatedFaults(
                    load: try fail.bool("load", default: false),
                    instance: try fail.bool("instance", default: false),
                    warm: try fail.bool("warm", default: false),
                    every: Int(try fail.number("every", default: 0, within: 0...1e9))
                )
            )
        }
    }
}

/// One object of the file, with its place in it for messages.
private struct Section {
    let values: [String: Any]
    let path: String

    init(_ values: [String: Any], path: String) {
        self.values = values
        self.path = path
    }

    func allow(_ keys: [String]) throws(EngineError) {
        guard let unknown = values.keys.filter({ !keys.contains($0) }).min() else { return }
        throw wrong("has the unknown key '\(unknown)'; known are \(keys.joined(separator: ", "))")
    }

    func bool(_ key: String, default other: Bool) throws(EngineError) -> Bool {
        guard let value = values[key] else { return other }
        guard let bool = value as? Bool else { throw wrong("'\(key)' must be true or false") }
        return bool
    }

    func number(
        _ key: String,
        default other: Double?,
        within range: ClosedRange<Double>
    ) throws(EngineError) -> Double {
        guard let value = values[key] else {
            if let other { return other }
            throw wrong("'\(key)' is missing")
        }
        guard let number = (value as? NSNumber)?.doubleValue, range.contains(number) else {
            throw wrong("'\(key)' must be a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func section(_ key: String) throws(EngineError) -> Section? {
        guard let value = values[key] else { return nil }
        guard let object = value as? [String: Any] else {
            throw wrong("'\(key)' must be an object")
        }
        return Section(object, path: path + ", " + key)
    }

    func list(_ key: String) throws(EngineError) -> [Section]? {
        guard let value = values[key] else { return nil }
        guard let objects = value as? [[String: Any]], objects.count <= 4_096 else {
            throw wrong("'\(key)' must be a list of at most 4096 objects")
        }
        return objects.enumerated().map { Section($1, path: "\(path), \(key)[\($0)]") }
    }

    func tensors(_ key: String) throws(EngineError) -> [TensorSpec] {
        guard let list = try list(key), !list.isEmpty else {
            throw wrong("'\(key)' must list at least one tensor")
        }
        var tensors: [TensorSpec] = []
        for entry in list {
            try entry.allow(["name", "type", "dims", "optional"])
            guard let name = entry.values["name"] as? String, !name.isEmpty,
                let type = (entry.values["type"] as? String).flatMap({ DataType(name: $0) }),
                let dims = entry.values["dims"] as? [Int], dims.count <= 16,
                dims.allSatisfy({ $0 >= -1 && $0 <= 1 << 30 })
            else {
                throw entry.wrong("needs a name, a type such as FP32 and dims, each -1 or more")
            }
            tensors.append(
                TensorSpec(
                    name: name,
                    type: type,
                    dims: dims.map(Int64.init),
                    optional: try entry.bool("optional", default: false)
                )
            )
        }
        return tensors
    }

    func timing() throws(EngineError) -> VirtualModel? {
        let spread = try number("noise", default: 0, within: 0...1)
        let seed = try number("seed", default: 0, within: 0...9e15)
        guard let rows = try list("latency"), !rows.isEmpty else { return nil }
        var points: [LatencySurface.Point] = []
        for row in rows {
            try row.allow(["batch", "units", "ms"])
            points.append(
                LatencySurface.Point(
                    batch: Int32(try row.number("batch", default: nil, within: 1...1e6)),
                    units: Int32(try row.number("units", default: 1, within: 1...1e6)),
                    latency: .milliseconds(
                        rounding: try row.number("ms", default: nil, within: 0...1e7)
                    )
                )
            )
        }
        return VirtualModel(
            surface: LatencySurface(points),
            noise: LatencyNoise(seed: UInt64(seed), spread: spread)
        )
    }

    func wrong(_ what: String) -> EngineError { EngineError(.badModel, "\(path): \(what)") }
}
