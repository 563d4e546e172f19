import ServingDomain

/// The config.pbtxt of a zoo network.
enum ZooConfig {
    /// The text for a network: batches of any size gathered at once, one instance on the CPU.
    static func text(for network: ZooNetwork) -> String {
        """
        # \(network.summary); random weights, written by `sluice zoo build`.
        name: "\(network.name)"
        platform: "onnxruntime_onnx"
        max_batch_size: \(network.batchLimit)
        input [
          {
            name: "\(network.input.name)"
            data_type: TYPE_\(network.input.type.name)
            dims: [ \(list(network.input.dims)) ]
          }
        ]
        output [
          {
            name: "\(network.output.name)"
            data_type: TYPE_\(network.output.type.name)
            dims: [ \(list(network.output.dims)) ]
          }
        ]
        instance_group [
          {
            count: 1
            kind: KIND_CPU
          }
        ]
        dynamic_batching { }

        """
    }

    private static func list(_ dims: [Int64]) -> String {
        dims.map(String.init).joined(separator: ", ")
    }
}
