import ServingDomain

/// The scalers by name.
public enum ScalerNames {
    /// All names that `make` takes.
    public static let known = ["none", "clipper", "dnnscaler", "confluence"]

    /// The scaler called `text`, options included, such as `dnnscaler:released`.
    ///
    /// - Throws: One line naming the nearest scaler or option, or the limits of a value.
    static func make(_ text: String) throws(ConfigurationError) -> any Scaler {
        let asked = OptionedName(text)
        switch asked.name {
        case "none":
            guard let option = asked.options.first else { return NoScaler() }
            throw ConfigurationError("Scaler 'none' has no option '\(option.key)'; leave it out.")
        case "clipper":
            let settings = try published(asked, ["released", "period", "samples"])
            return LaneScaler { BatchController(.clipper(AdditiveBatch()), settings) }
        case "dnnscaler":
            let settings = try published(
                asked,
                [
                    "released", "approach", "m", "n", "period", "poll", "samples", "window",
                    "bias", "add", "remove", "zero",
                ]
            )
            return LaneScaler { DNNScalerController(settings) }
        case "confluence":
            let settings = try confluence(asked)
            return LaneScaler { ConfluenceController(settings) }
        default: throw ConfigurationError(OptionedName.unknown("scaler", asked.name, known: known))
        }
    }

    private static func published(
        _ asked: OptionedName,
        _ known: [String]
    ) throws(ConfigurationError) -> ScalerSettings {
        var settings = ScalerSettings()
        for option in asked.options {
            try check(option, of: asked.name, known)
            let reader = OptionReader(scaler: asked.name, option: option)
            switch option.key {
            case "released": settings.released = try reader.flag()
            case "approach": settings.approach = try reader.choice()
            case "m": settings.batchProbe = try reader.whole(1...1_024)
            case "n": settings.levelProbe = try reader.whole(1...64)
            case "period": settings.period = try reader.milliseconds()
            case "poll": settings.poll = try reader.milliseconds()
            case "samples": settings.samples = Int(try reader.whole(1...512))
            case "window": settings.window = Int(try reader.whole(2...10_000))
            case "bias": settings.bias = try reader.milliseconds()
            case "add": settings.addWait = try reader.milliseconds()
            case "remove": settings.removeWait = try reader.milliseconds()
            default: settings.hasZeroSlot = try reader.flag()
            }
        }
        return settings
    }

    private static func confluence(
        _ asked: OptionedName
    ) throws(ConfigurationError) -> ConfluenceSettings {
        var settings = ConfluenceSettings()
        let known = ["knee", "guard", "period", "samples", "probes", "queueing", "patience"]
        for option in asked.options {
            try check(option, of: asked.name, known)
            let reader = OptionReader(scaler: asked.name, option: option)
            switch option.key {
            case "knee": settings.kneeMilli = try reader.whole(500...1_000)
            case "guard": settings.guardMilli = try reader.whole(500...1_000)
            case "period": settings.period = try reader.milliseconds()
            case "samples": settings.samples = Int(try reader.whole(4...512))
            case "probes": settings.probes = Int(try reader.whole(1...32))
            case "queueing": settings.hasQueueing = try reader.flag()
            default: settings.patience = try reader.milliseconds()
            }
        }
        return settings
    }

    private static func check(
        _ option: OptionedName.Option,
        of scaler: String,
        _ known: [String]
    ) throws(ConfigurationError) {
        guard !known.contains(option.key) else { return }
        let line = OptionedName.unknown("option", option.key, known: known)
        throw ConfigurationError("Scaler '\(scaler)': \(line)")
    }
}

/// Reads the value of one option.
private struct OptionReader {
    let scaler: String
    let option: OptionedName.Option

    func flag() throws(ConfigurationError) -> Bool {
        switch option.value {
        case "true": return true
        case "false": return false
        default: throw refused("'true' or 'false'")
        }
    }

    func whole(_ range: ClosedRange<Int32>) throws(ConfigurationError) -> Int32 {
        guard let value = Int32(option.value), range.contains(value) else {
            throw refused("a whole number in \(range.lowerBound)...\(range.upperBound)")
        }
        return value
    }

    func milliseconds() throws(ConfigurationError) -> TimeSpan {
        .milliseconds(Int64(try whole(1...3_600_000)))
    }

    func choice() throws(ConfigurationError) -> ScalerSettings.Approach {
        guard let value = ScalerSettings.Approach(rawValue: option.value) else {
            throw refused("one of auto, batching, tenancy")
        }
        return value
    }

    private func refused(_ wanted: String) -> ConfigurationError {
        ConfigurationError(
            "Scaler '\(scaler)': \(option.key) is '\(option.value)', but must be \(wanted)."
        )
    }
}
