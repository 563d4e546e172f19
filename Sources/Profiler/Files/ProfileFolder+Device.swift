public import Documents
import Foundation

extension ProfileFolder {
    /// Where what was measured of the device stands.
    public var measurementsFile: String { "\(path)/\(DocumentFolder.besidesProfiles.measurements)" }

    /// Where the description of the kind of device stands.
    public var descriptionFile: String { "\(path)/\(DocumentFolder.besidesProfiles.kind)" }

    /// What is there already of a kind of device and was measured in the same circumstances.
    public func keptMeasurements(_ kind: String, fingerprint: String) -> DeviceMeasurements? {
        let file = measurementsFile
        guard let bytes = FileManager.default.contents(atPath: file),
            let known = try? DeviceMeasurements(reading: [UInt8](bytes), source: file),
            known.device == kind, known.fingerprint == fingerprint
        else { return nil }
        return known
    }

    /// Writes measurements; the file appears whole or not at all.
    public func write(_ measurements: DeviceMeasurements) throws(ProfilerError) {
        try write(measurements.json(), to: measurementsFile)
    }

    /// Writes a description; the file appears whole or not at all.
    public func write(_ description: DeviceDescription) throws(ProfilerError) {
        try write(description.json(), to: descriptionFile)
    }
}
