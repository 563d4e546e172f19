import ServerRuntime
import ServingDomain
import Synchronization
import VirtualDevices

/// An emulated model, loaded.
final class LoadedEmulation: LoadedModel {
    let name: String
    let model: EmulatedModel
    let signature: ModelSignature
    /// The emulated devices that it runs on, and its number there; nil = it has times of its own.
    let seat: DeviceSeat?
    private let made = Atomic<UInt64>(0)

    /// A model on emulated devices.
    struct DeviceSeat: Sendable {
        let devices: EmulatedDevices
        let model: ModelID
    }

    init(
        name: String,
        model: EmulatedModel,
        signature: ModelSignature,
        seat: DeviceSeat? = nil
    ) {
        self.name = name
        self.model = model
        self.signature = signature
        self.seat = seat
    }

    /// The truth itself: what a careful profile would have found.
    var profiles: [DeviceProfile] { seat == nil ? [] : model.truth?.profiles ?? [] }

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
