import ServerRuntime
import ServingDomain
import Synchronization

/// An emulated model, loaded.
final class LoadedEmulation: LoadedModel {
    let name: String
    let model: EmulatedModel
    let signature: ModelSignature
    private let made = Atomic<UInt64>(0)

    init(name: String, model: EmulatedModel, signature: ModelSignature) {
        self.name = name
        self.model = model
        self.signature = signature
    }

    var weightsMiB: Int64 { model.weightsMiB }

    var declared: DeclaredSignature {
        let own = model.signature
        func declare(_ tensor: TensorSpec) -> DeclaredSignature.Tensor {
            DeclaredSignature.Tensor(
                name: tensor.name,
                type: tensor.type,
                shape: (own.batched ? [-1] : []) + (tensor.engineDims ?? tensor.dims)
            )
        }
        return DeclaredSignature(
            inputs: own.inputs.map(declare),
            outputs: own.outputs.map(declare)
        )
    }

    func makeInstance(_ placement: Placement) throws(EngineError) -> any EngineInstance {
        if model.control.faults.instance {
            throw EngineError(.failed, "model '\(name)': emulated fault while starting an instance")
        }
        let number = made.add(1, ordering: .relaxed).oldValue
        return try EmulatedInstance(of: self, number: number, placement: placement)
    }
}
