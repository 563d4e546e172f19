package import ServingDomain

/// The settings of the policies `strait`, `confluence` and `oracle`, as their names carry them.
package struct StraitOptions: Hashable, Sendable {
    /// What of the forecast is switched on.
    package var forecast = ForecastOptions()
    /// Whether waiting low priority earns a right to be served.
    package var hasCredit = true
    /// Whether the last slot is kept for high priority that may come.
    package var hasReserve = true
    /// Whether low copies are cut into chunks, where the device has copy engines.
    package var hasChunks = true
    /// Whether low priority keeps out of one slot while there is high priority at all.
    package var sparesSlot = false
    /// Whether work that is expected to come counts in the forecast.
    package var expectsArrivals = false
    /// Whether low runs are cut into the segments that the engine offers.
    package var hasSegments = false
    /// Whether, beyond capacity, low work is chosen by requests in time per second of a slot.
    package var weighsValue = false
    /// Low copies longer than this part of what high work can wait go in chunks.
    package var chunkPart = 0.5
    /// Whether low work is dropped when it can't make it at its usual time, company included,
    /// rather than at its best.
    package var dropsEarly = true
    /// Whether of several queues the one with the least slack goes first, not the first deadline.
    package var ordersBySlack = false
    /// Whether high batches in flight are protected.
    package var avoidsHarm = true
    /// Whether a batch may begin behind the heads of a queue in a backlog.
    package var leavesHeads = false
    /// The part of high-priority requests that may miss their deadline.
    package var target = 0.005

    /// The longest piece of a low run, in nanoseconds, where runs are cut.
    package static let segmentSpan = 2_000_000.0

    /// The settings of `strait`.
    package static var strait: StraitOptions {
        var options = StraitOptions()
        options.forecast.isAsked = true
        return options
    }

    /// The settings of `confluence`.
    ///
    /// Expected arrivals and segments stay off until asked for: in the reproduction they cost low
    /// priority more than they gave high (Docs/reproductions/strait.md).
    package static var confluence: StraitOptions {
        var options = strait
        options.weighsValue = true
        options.leavesHeads = true
        return options
    }

    /// The ablations that take `off`, and what else an option may be.
    private static let switches = [
        "transfer", "interference", "margin", "credit", "reserve", "chunks", "arrivals",
        "segments", "value", "spare", "prompt", "slack", "harm",
        "backlog",
    ]

    /// Applies the options of a policy's name.
    ///
    /// - Throws: One line that names an option or a value that there isn't.
    package mutating func apply(_ asked: OptionedName) throws(ConfigurationError) {
        for option in asked.options {
            switch option.key {
            case "weights":
                guard ["static", "learned"].contains(option.value) else {
                    throw Self.bad(option, asked.name, "static or learned")
                }
                forecast.isLearning = option.value == "learned"
            case "cut":
                guard let percent = Double(option.value), percent >= 0, percent <= 1_000 else {
                    throw Self.bad(option, asked.name, "a percentage within 0 to 1000")
                }
                chunkPart = percent / 100
            case "low", "high":
                guard let percent = Double(option.value), percent >= 50, percent <= 99 else {
                    throw Self.bad(option, asked.name, "a percentage within 50 to 99")
                }
                if option.key == "low" {
                    forecast.lowTarget = percent / 100
                } else {
                    forecast.highTarget = percent / 100
                    forecast.isSteered = false
                }
            case "target":
                guard let percent = Double(option.value), percent > 0, percent <= 50 else {
                    throw Self.bad(option, asked.name, "a percentage within 0 (excluded) to 50")
                }
                target = percent / 100
            default:
                guard Self.switches.contains(option.key) else {
                    throw ConfigurationError(
                        OptionedName.unknown(
                            "option of policy '\(asked.name)'",
                            option.key,
                            known: Self.switches + ["weights", "target", "low"]
                        )
                    )
                }
                guard option.value == "on" || option.value == "off" else {
                    throw Self.bad(option, asked.name, "on or off")
                }
                set(option.key, option.value == "on")
            }
        }
    }

    private mutating func set(_ key: String, _ isOn: Bool) {
        switch key {
        case "transfer": forecast.hasTransfers = isOn
        case "interference": forecast.hasInterference = isOn
        case "margin": forecast.hasMargins = isOn
        case "credit": hasCredit = isOn
        case "reserve": hasReserve = isOn
        case "chunks": hasChunks = isOn
        case "arrivals": expectsArrivals = isOn
        case "segments": hasSegments = isOn
        case "value": weighsValue = isOn
        case "prompt": dropsEarly = isOn
        case "slack": ordersBySlack = isOn
        case "harm": avoidsHarm = isOn
        case "backlog": leavesHeads = isOn
        default: sparesSlot = isOn
        }
    }

    private static func bad(
        _ option: OptionedName.Option,
        _ policy: String,
        _ allowed: String
    ) -> ConfigurationError {
        ConfigurationError(
            "Option '\(option.key)' of policy '\(policy)' is '\(option.value)', but takes "
                + "\(allowed)."
        )
    }
}
