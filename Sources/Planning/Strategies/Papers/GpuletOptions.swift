import ServingDomain

/// What the planners of gpu-lets can be told: ablations, margins, and how the public code behaves.
public struct GpuletOptions: Hashable, Sendable {
    /// In which order and by which rules models are placed.
    public enum Order: String, Hashable, Sendable {
        /// As the paper describes it (notes, 2.1).
        case paper
        /// As the public code does it (notes, 2.2).
        case released
    }

    /// Whether devices may be split.
    public var spatial = true
    /// Whether models may share a gpulet in time.
    public var temporal = true
    /// Whether predicted slowdowns count; off: the paper's plain "gpulet".
    public var interference = true
    /// The most gpulets on a device; nil = the device's own limit, else the papers' 2.
    public var maxGpulets: Int32?
    /// What is added to be on the safe side.
    public var margins = Margins.none
    /// By which rules models are placed.
    public var order = Order.paper
    /// How the public code behaves, where `order` is `released`.
    public var released = ReleasedRules()
    /// What putting a batch together costs on the host, where `order` is `released`.
    public var host: [HostBatching] = []

    /// The options of the paper's own planner.
    public init() {}

    /// Margins, order and all: the public code as it stands.
    public static var released: GpuletOptions {
        var options = GpuletOptions()
        options.margins = .released
        options.order = .released
        return options
    }

    /// The most gpulets on `device`, at least 1.
    func limit(on device: DeviceSpec) -> Int {
        guard spatial else { return 1 }
        let wanted = maxGpulets ?? (device.maxGpulets > 0 ? device.maxGpulets : 2)
        let allowed = device.maxGpulets > 0 ? min(wanted, device.maxGpulets) : wanted
        return Int(max(1, min(allowed, device.units)))
    }

    /// The sizes that are considered on `device`.
    func sizes(of device: DeviceSpec) -> SplitSizes {
        limit(on: device) > 1 ? .paper(of: device) : .undivided(device)
    }

    /// The public code's rules with these ablations and margins.
    var releasedRules: ReleasedRules {
        var rules = released
        rules.splits = spatial && (maxGpulets ?? 2) > 1
        rules.sharesTime = temporal
        rules.interference = interference
        rules.margins = margins
        return rules
    }
}

// MARK: - Names

extension GpuletOptions {
    /// Every option there is.
    static let names =
        ["spatial", "temporal", "interference", "maxGpulets", "margins", "inflation", "ratio"]
        + ["slack", "order"] + ReleasedRules.switches

    /// Reads the options behind a planner's name.
    ///
    /// - Throws: `PlanError` naming the nearest option, or what the option can be set to.
    init(
        reading options: [OptionedName.Option],
        of planner: String
    ) throws(PlanError) {
        self.init()
        for option in options { try read(option, of: planner) }
    }

    private mutating func read(
        _ option: OptionedName.Option,
        of planner: String
    ) throws(PlanError) {
        switch option.key {
        case "spatial": spatial = try Self.isOn(option, planner)
        case "temporal": temporal = try Self.isOn(option, planner)
        case "interference": interference = try Self.isOn(option, planner)
        case "maxGpulets":
            guard let count = Int32(option.value), (1...1_024).contains(count) else {
                throw Self.wrong(option, planner, "a whole number in 1...1024")
            }
            maxGpulets = count
        case "margins":
            switch option.value {
            case "released": margins = .released
            case "none": margins = .none
            default: throw Self.wrong(option, planner, "none or released")
            }
        case "inflation": margins.inflatesDemand = try Self.isOn(option, planner)
        case "ratio":
            guard let ratio = Double(option.value), (1...100).contains(ratio) else {
                throw Self.wrong(option, planner, "a number in 1...100, 1.1 in the released code")
            }
            margins.latencyMilli = Int64((ratio * 1_000).rounded())
        case "slack":
            guard let slack = Double(option.value), (0...1e6).contains(slack) else {
                throw Self.wrong(option, planner, "requests per second, 15 in the released code")
            }
            margins.slackMilliRate = Int64((slack * 1_000).rounded())
        case "order":
            guard let chosen = Order(rawValue: option.value) else {
                throw Self.wrong(option, planner, "paper or released")
            }
            order = chosen
        default:
            let isSwitch = ReleasedRules.switches.contains(option.key)
            guard isSwitch else {
                let line = OptionedName.unknown("option", option.key, known: Self.names)
                throw PlanError("Planner '\(planner)': \(line)")
            }
            _ = released.turn(option.key, on: try Self.isOn(option, planner))
        }
    }

    private static func isOn(
        _ option: OptionedName.Option,
        _ planner: String
    ) throws(PlanError) -> Bool {
        switch option.value {
        case "on", "true": return true
        case "off", "false": return false
        default: throw wrong(option, planner, "on or off")
        }
    }

    private static func wrong(
        _ option: OptionedName.Option,
        _ planner: String,
        _ wanted: String
    ) -> PlanError {
        PlanError(
            "Planner '\(planner)': \(option.key) is '\(option.value)', but must be \(wanted)."
        )
    }

    /// The options as they stand behind a name; empty for the defaults.
    var suffix: String {
        let plain = GpuletOptions()
        var parts: [String] = []
        if !spatial { parts.append("spatial=off") }
        if !temporal { parts.append("temporal=off") }
        if !interference { parts.append("interference=off") }
        if let maxGpulets { parts.append("maxGpulets=\(maxGpulets)") }
        if margins == .released {
            parts.append("margins=released")
        } else {
            if margins.inflatesDemand { parts.append("inflation=on") }
            if margins.latencyMilli != plain.margins.latencyMilli {
                parts.append("ratio=\(PlanAudit.rate(margins.latencyMilli))")
            }
            if margins.slackMilliRate != plain.margins.slackMilliRate {
                parts.append("slack=\(PlanAudit.rate(margins.slackMilliRate))")
            }
        }
        if order != .paper { parts.append("order=\(order.rawValue)") }
        for name in ReleasedRules.switches {
            for isOn in [true, false] {
                // What turning a switch changes is not what it is set to.
                var turned = released
                _ = turned.turn(name, on: isOn)
                var usual = ReleasedRules()
                _ = usual.turn(name, on: isOn)
                if turned == released, usual != ReleasedRules() {
                    parts.append("\(name)=\(isOn ? "on" : "off")")
                }
            }
        }
        return parts.isEmpty ? "" : ":" + parts.joined(separator: ",")
    }
}
