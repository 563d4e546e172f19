import Foundation

/// A zoo network with a seed: a model file and its config, before they are written.
public struct ZooModel: Sendable {
    /// The network.
    public let network: ZooNetwork
    /// What the weights are drawn from.
    public let seed: UInt64
    private let graph: NetworkGraph

    init(network: ZooNetwork, seed: UInt64) {
        self.network = network
        self.seed = seed
        graph = network.make()
    }

    /// The layers in the order of execution, with shapes and costs.
    public var layers: [ZooLayer] { graph.layers }

    /// The config that is written beside the file, in Triton's text format.
    public var config: String { ZooConfig.text(for: network) }

    /// The whole model file in memory. Large networks take hundreds of MB; `write` takes one.
    ///
    /// - Throws: `ZooError.tooLarge`.
    public func serialized() throws(ZooError) -> [UInt8] {
        let file = try ModelFile(graph, named: network.name, seed: seed)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(file.byteCount)
        file.write { (part: UnsafeRawBufferPointer) in bytes.append(contentsOf: part) }
        return bytes
    }

    /// Writes `<folder>/<name>/1/model.onnx` and `<folder>/<name>/config.pbtxt`, replacing what
    /// is there. The model file appears whole or not at all. Blocks; about a second for 500 MB,
    /// with 1 MiB of memory.
    ///
    /// - Returns: the model's folder.
    /// - Throws: `ZooError.tooLarge`, `ZooError.unwritable`.
    @discardableResult
    public func write(to folder: String) throws(ZooError) -> String {
        let file = try ModelFile(graph, named: network.name, seed: seed)
        let model = "\(folder)/\(network.name)"
        try AtomicFile.makeFolder("\(model)/1")
        try AtomicFile.write("\(model)/1/model.onnx") { sink throws(ZooError) in
            try file.write { (part: UnsafeRawBufferPointer) throws(ZooError) in
                try sink.append(part)
            }
        }
        do {
            let path = URL(fileURLWithPath: "\(model)/config.pbtxt")
            try Data(config.utf8).write(to: path, options: .atomic)
        } catch {
            throw .failing("\(model)/config.pbtxt", error)
        }
        return model
    }
}
