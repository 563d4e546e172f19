import OpenInference
import ServerRuntime
import ServingDomain

extension AdminEndpoints {
    /// `GET /v1/devices`: what there is to run models on, and whether it is planned for.
    func devices() -> HTTPReply {
        .json { writer in
            writer.beginObject()
            writer.key("devices")
            writer.beginArray()
            for device in runtime.devices {
                writer.beginObject()
                writer.key("name")
                writer.string(device.spec.name)
                writer.key("kind")
                writer.string(device.spec.kind)
                writer.key("units")
                writer.number(Int64(device.spec.units))
                writer.key("state")
                writer.string(device.isPresent ? "present" : "lost")
                writer.endObject()
            }
            writer.endArray()
            writer.endObject()
        }
    }

    /// `POST /v1/devices/NAME/lost` and `/back`: takes a device out of the plan, with what runs
    /// there, or back into it. Saying it twice changes nothing.
    func device(_ name: String, isBack: Bool) throws(WireError) -> HTTPReply {
        guard runtime.setDevice(named: name, isPresent: isBack) else {
            throw WireError(.notFound, "there is no device '\(name)'; GET /v1/devices lists them")
        }
        return devices()
    }
}
