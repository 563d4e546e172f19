import OpenInference
import ServerRuntime

extension AdminEndpoints {
    /// System shared memory: which regions there are, one more, or fewer.
    func memory(
        _ call: Route.MemoryCall,
        _ region: String?,
        _ body: [UInt8]
    ) throws(WireError) -> HTTPReply {
        do throws(SharedMemory.Failure) {
            switch call {
            case .status: return regions(try runtime.sharedMemory.regions(region))
            case .unregister: try runtime.sharedMemory.unregister(region)
            case .register: break
            }
        } catch {
            throw WireError(error)
        }
        if call == .register {
            let wanted = try Self.region(named: region ?? "", body)
            do throws(SharedMemory.Failure) {
                try runtime.sharedMemory.register(wanted)
            } catch {
                throw WireError(error)
            }
        }
        return HTTPReply()
    }

    /// CUDA shared memory: there is none, so nothing is registered and nothing need be taken away.
    func cudaMemory(_ call: Route.MemoryCall, _ region: String?) throws(WireError) -> HTTPReply {
        switch call {
        case .status:
            guard let region else { return HTTPReply(body: Array("[]".utf8)) }
            throw WireError(.notFound, "there is no CUDA shared memory region '\(region)'")
        case .register:
            throw WireError(
                .unsupported,
                "CUDA shared memory is not supported; use system shared memory"
            )
        case .unregister: return HTTPReply()
        }
    }

    private func regions(_ regions: [SharedMemory.Region]) -> HTTPReply {
        .json { writer in
            writer.beginArray()
            for region in regions {
                writer.beginObject()
                writer.key("name")
                writer.string(region.name)
                writer.key("key")
                writer.string(region.key)
                writer.key("offset")
                writer.number(region.offset)
                writer.key("byte_size")
                writer.number(region.byteSize)
                writer.endObject()
            }
            writer.endArray()
        }
    }

    private static func region(
        named name: String,
        _ body: [UInt8]
    ) throws(WireError) -> SharedMemory.Region {
        let fields = try JSONBody.object(body)
        guard case .text(let key) = fields["key"] else {
            throw WireError(.invalidArgument, "'key' must name the shared memory object")
        }
        return SharedMemory.Region(
            name: name,
            key: key,
            offset: try count("offset", in: fields) ?? 0,
            byteSize: try required("byte_size", in: fields)
        )
    }

    private static func required(
        _ name: String,
        in fields: JSONBody.Fields
    ) throws(WireError) -> UInt64 {
        guard let value = try count(name, in: fields) else {
            throw WireError(.invalidArgument, "'\(name)' is missing")
        }
        return value
    }

    private static func count(
        _ name: String,
        in fields: JSONBody.Fields
    ) throws(WireError) -> UInt64? {
        guard let value = fields[name] else { return nil }
        guard case .number(let number) = value, let count = UInt64(exactly: number) else {
            throw WireError(.invalidArgument, "'\(name)' must be a whole number from 0")
        }
        return count
    }
}
