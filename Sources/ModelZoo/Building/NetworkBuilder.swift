import ServingDomain
import SwiftProtobuf
import WireMessages

/// Puts a network together, operation by operation: infers shapes, counts parameters and
/// multiply-accumulate steps, and notes how each tensor is to be filled.
///
/// Random weights are He-scaled: a layer before a ReLU draws with variance 2 / fan-in, any other
/// with 1 / fan-in (He et al. 2015, section 2.2), so that the second moment of the activations
/// neither grows nor shrinks with depth. Shapes that don't fit are programmer errors and trap.
struct NetworkBuilder {
    /// What follows a layer.
    enum Activation: Sendable {
        case none, relu, relu6, tanh

        /// The variance factor that keeps the second moment behind this activation.
        var gain: Double {
            switch self {
            case .relu, .relu6: 2
            case .none, .tanh: 1
            }
        }
    }

    /// How a convolution's output is shifted and scaled.
    enum Norm: Sendable {
        /// Batch normalisation, folded into weight and bias as engines do on loading. Counts two
        /// parameters per channel, as published.
        case folded
        /// A plain bias.
        case bias
        /// Nothing: a normalisation of its own follows.
        case none
    }

    /// The network's input.
    let input: Feature
    private let inputType: DataType
    private var nodes: [Onnx_NodeProto] = []
    private var constants: [Constant] = []
    private var known: [String: Feature] = [:]
    private var layers: [ZooLayer] = []

    /// Starts a network with one input named `x`.
    init(input dims: [Int], type: DataType = .fp32) {
        input = Feature(name: "x", dims: dims)
        inputType = type
    }

    /// Ends the network: the last value becomes the output `y`.
    mutating func finish(_ last: Feature) -> NetworkGraph {
        guard let place = nodes.lastIndex(where: { $0.output == [last.name] }) else {
            preconditionFailure("\(last.name) comes out of no operation")
        }
        precondition(!nodes.contains { $0.input.contains(last.name) }, "the output is used inside")
        nodes[place].output = ["y"]
        return NetworkGraph(
            input: input,
            inputType: inputType,
            output: Feature(name: "y", dims: last.dims),
            nodes: nodes,
            constants: constants,
            layers: layers
        )
    }

    // MARK: - The parts that every layer uses

    /// Adds one operation and gives what comes out of it.
    mutating func append(
        _ operation: String,
        _ name: String,
        _ inputs: [String],
        dims: [Int],
        attributes: [Onnx_AttributeProto] = [],
        parameters: Int = 0,
        multiplyAdds: Int = 0
    ) -> Feature {
        precondition(dims.allSatisfy { $0 > 0 }, "\(name) has the shape \(dims)")
        precondition(!layers.contains { $0.name == name }, "two layers are named \(name)")
        nodes.append(
            Onnx_NodeProto.with {
                $0.opType = operation
                $0.name = name
                $0.input = inputs
                $0.output = [name]
                $0.attribute = attributes
            }
        )
        layers.append(
            ZooLayer(
                name: name,
                operation: operation,
                dims: dims,
                parameters: parameters,
                multiplyAdds: multiplyAdds
            )
        )
        return Feature(name: name, dims: dims)
    }

    /// Adds a tensor and gives its name; one that is already there under this name is used again.
    mutating func constant(_ name: String, _ dims: [Int], _ content: Constant.Content) -> String {
        if known[name] == nil {
            known[name] = Feature(name: name, dims: dims)
            constants.append(Constant(name: name, dims: dims, content: content))
        }
        precondition(known[name]?.dims == dims, "\(name) is used with two shapes")
        return name
    }

    /// Adds weights with a variance of gain / fan-in and gives their name.
    mutating func weights(_ name: String, _ dims: [Int], fanIn: Int, gain: Double) -> String {
        let deviation = Float((gain / Double(fanIn)).squareRoot())
        return constant(name, dims, .noise(mean: 0, deviation: deviation))
    }

    /// Adds the activation behind a layer, if there is one.
    mutating func activate(_ x: Feature, _ activation: Activation) -> Feature {
        switch activation {
        case .none: return x
        case .relu: return append("Relu", "\(x.name).relu", [x.name], dims: x.dims)
        case .tanh: return append("Tanh", "\(x.name).tanh", [x.name], dims: x.dims)
        case .relu6:
            let zero = constant("zero", [], .filled(0))
            let six = constant("six", [], .filled(6))
            return append("Clip", "\(x.name).relu6", [x.name, zero, six], dims: x.dims)
        }
    }
}

extension Onnx_AttributeProto {
    /// A whole number.
    static func int(_ name: String, _ value: Int) -> Self {
        .with {
            $0.name = name
            $0.type = .int
            $0.i = Int64(value)
        }
    }

    /// A list of whole numbers.
    static func ints(_ name: String, _ values: [Int]) -> Self {
        .with {
            $0.name = name
            $0.type = .ints
            $0.ints = values.map(Int64.init)
        }
    }

    /// A floating-point number.
    static func float(_ name: String, _ value: Float) -> Self {
        .with {
            $0.name = name
            $0.type = .float
            $0.f = value
        }
    }
}
