public import Documents
import Foundation

extension ProfileFolder {
    /// Where what was measured of a kind of device stands, and where its description.
    public func measurementsFile(_ kind: String) -> String { "\(path)/device-\(kind).json" }

    /// Where the description of a kind of device stands.
    public func descriptionFile(_ kind: String) -> String { "\(path)/kind-\(kind).json" }

    /// What is there already of a kind of device and was measured in the same circumstances.
    public func keptMeasurements(_ kind: String, fingerprint: String) -> DeviceMeasurements? {
        let file = measurementsFile(kind)
        guard let bytes = FileManager.default.contents(atPath: file),
            let known = try? DeviceMeasurements(reading: [UInt8](bytes), source: file),
            known.device == kind, known.fingerprint == fingerprint
        else { return nil }
        return known
    }

    /// Writes measurements; the file appears whole or not at all.
    public func write(_ measurements: DeviceMeasurements) throws(ProfilerError) {
        try write(measurements.json(), to: measurementsFile(measurements.device))
    }

    /// Writes a description; the file appears whole or not at all.
    public func write(_ description: DeviceDescription) throws(ProfilerError) {
        try write(description.json(), to: descriptionFile(description.kind))
    }
}
