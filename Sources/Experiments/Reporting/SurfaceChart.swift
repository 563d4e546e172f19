public import Reports
public import ServingDomain

/// What a model's profile promises, as a map: requests per second by batch and share.
public enum SurfaceChart {
    /// The map for the first device of the profile's kind; nil where there is none.
    ///
    /// - Parameters:
    ///   - model: The model's name.
    ///   - profile: Its profile.
    ///   - devices: The devices.
    public static func chart(
        _ model: String,
        _ profile: DeviceProfile,
        _ devices: [DeviceSpec]
    ) -> Chart? {
        guard let device = devices.first(where: { $0.kind == profile.kind }) else { return nil }
        let points = profile.surface.points.filter { $0.instances == 1 }
        var batches: [Int32] = []
        var sizes: [Int32] = []
        for point in points {
            if !batches.contains(point.batch) { batches.append(point.batch) }
            if !sizes.contains(point.units) { sizes.append(point.units) }
        }
        batches.sort()
        sizes.sort(by: >)
        guard !batches.isEmpty else { return nil }
        let values = sizes.map { units in
            batches.map { batch -> Double? in
                points.first { $0.units == units && $0.batch == batch }
                    .map { 1_000 * Double(batch) / max(1e-6, $0.latency.inMilliseconds) }
            }
        }
        return Chart(
            "\(model) on \(profile.kind)",
            caption: "What one instance alone serves by its profile; nothing is guessed between.",
            .heat(
                HeatMap(
                    xLabel: "batch",
                    columns: batches.map { String($0) },
                    yLabel: "share",
                    rows: sizes.map { Numeral.short(100 * device.fraction(of: $0)) + " %" },
                    valueLabel: "requests per second",
                    values: values
                )
            )
        )
    }
}
