import Logging
import ServerRuntime
import ServingDomain
import Synchronization

/// A model's weights in the memory of GPUs: once per GPU, for all its sessions there.
///
/// The library takes initialisers that it is handed as they are, where they lie on the device that
/// it planned them for (ONNX Runtime, `AddInitializer`); else it says so in its log and makes its
/// own. As on the CPU it rewrites the graph first, with the GPU's provider, since fusion renames
/// initialisers.
final class GPUWeights: Sendable {
    private enum Sharing {
        case refused
        case ready(SharedWeights)
    }

    /// By the driver's number of the GPU.
    private let sharing = Mutex<[Int32: Sharing]>([:])

    /// The weights on a GPU, put there at the first call, which blocks as long as making a session
    /// does; nil where each session is to keep its own.
    ///
    /// - Throws: `deviceLost`; whatever else stands against it leads to nil, and is logged once.
    func weights(
        of model: ModelWeights,
        on device: GPUDevice,
        _ prepare: (OpaquePointer) throws(EngineError) -> Void,
        memory: () throws(EngineError) -> OpaquePointer
    ) throws(EngineError) -> SharedWeights? {
        let number = device.context.number
        // Made under the lock: a second instance is to wait for the first one's weights.
        let outcome = sharing.withLock { sharing -> Result<SharedWeights?, EngineError> in
            switch sharing[number] {
            case .ready(let known): return .success(known)
            case .refused: return .success(nil)
            case nil: break
            }
            func make() throws(EngineError) -> SharedWeights? {
                try model.makeShared(packs: false, prepare: prepare) { count throws(EngineError) in
                    try DeviceWeightRoom(
                        count,
                        memory: memory(),
                        of: model.library,
                        on: device.context
                    )
                }
            }
            do throws(EngineError) {
                let made = try Self.withMemory(of: device, make)
                sharing[number] = made.map { .ready($0) } ?? .refused
                return .success(made)
            } catch {
                // A device that is lost is no matter of this model.
                guard error.kind != .deviceLost else { return .failure(error) }
                sharing[number] = .refused
                Self.log(model, device, error.message)
                return .success(nil)
            }
        }
        return try outcome.get()
    }

    /// Does something that takes memory; what idle sessions hold is given up where it runs out.
    private static func withMemory<Result>(
        of device: GPUDevice,
        _ body: () throws(EngineError) -> Result
    ) throws(EngineError) -> Result {
        do throws(EngineError) {
            return try body()
        } catch {
            guard error.kind == .outOfMemory, device.idle.drop() > 0 else { throw error }
            return try body()
        }
    }

    /// Gives up sharing on a GPU: sessions that are made from now on keep their own weights.
    func refuse(of model: ModelWeights, on device: GPUDevice, _ reason: String) {
        sharing.withLock { $0[device.context.number] = .refused }
        Self.log(model, device, reason)
    }

    private static func log(_ model: ModelWeights, _ device: GPUDevice, _ reason: String) {
        engineLog.warning(
            """
            \(model.file.title): every session on \(device.spec.name) keeps its own weights, which \
            takes more memory than planned: \(reason)
            """
        )
    }
}
