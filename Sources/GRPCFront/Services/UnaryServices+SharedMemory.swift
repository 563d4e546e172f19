import ServerRuntime
import SwiftProtobuf
import WireMessages

/// Memory shared with clients of the same host.
extension UnaryServices {
    /// The registered regions, or the named one.
    func regions(
        _ request: Inference_SystemSharedMemoryStatusRequest
    ) throws(Status) -> Inference_SystemSharedMemoryStatusResponse {
        let regions: [SharedMemory.Region]
        do throws(SharedMemory.Failure) {
            regions = try runtime.sharedMemory.regions(
                request.name.isEmpty ? nil : request.name
            )
        } catch {
            throw shared.statuses.status(error)
        }
        return .with {
            for region in regions {
                $0.regions[region.name] = .with {
                    $0.name = region.name
                    $0.key = region.key
                    $0.offset = region.offset
                    $0.byteSize = region.byteSize
                }
            }
        }
    }

    /// Maps a region under a name.
    func register(
        _ request: Inference_SystemSharedMemoryRegisterRequest
    ) throws(Status) -> Inference_SystemSharedMemoryRegisterResponse {
        do throws(SharedMemory.Failure) {
            try runtime.sharedMemory.register(
                SharedMemory.Region(
                    name: request.name,
                    key: request.key,
                    offset: request.offset,
                    byteSize: request.byteSize
                )
            )
        } catch {
            throw shared.statuses.status(error)
        }
        return Inference_SystemSharedMemoryRegisterResponse()
    }

    /// Forgets a region, or all of them.
    func unregister(
        _ request: Inference_SystemSharedMemoryUnregisterRequest
    ) throws(Status) -> Inference_SystemSharedMemoryUnregisterResponse {
        do throws(SharedMemory.Failure) {
            try runtime.sharedMemory.unregister(request.name.isEmpty ? nil : request.name)
        } catch {
            throw shared.statuses.status(error)
        }
        return Inference_SystemSharedMemoryUnregisterResponse()
    }
}
