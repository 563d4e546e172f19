import ServingDomain

/// One point of the grid: how many devices and batches at once, how much load of which kind, and
/// how long requests may take.
public struct StraitCell: Hashable, Sendable {
    /// When requests come.
    public enum Traffic: String, Hashable, Sendable {
        /// Independent arrivals (the 2025 workshop paper).
        case poisson
        /// Five times the calm rate for 200 ms, calm for 800 ms, on average.
        case bursty
        /// Every model's rate is drawn anew each second, log-normal with a spread of 0.8: as
        /// uneven as functions in the cloud are, without their recorded counts.
        case uneven
    }

    /// What changes half-way.
    public enum Drift: String, Hashable, Sendable {
        /// Three of six models are swapped for others.
        case models
        /// The load doubles.
        case load
        /// Two batches at once become four.
        case slots
        /// The power cap falls by 30 %: everything takes 1 / 0.7 as long.
        case power
    }

    /// A ready-made mixture of real-time and best-effort clients (DISB, SJTU-IPADS, Apache-2.0),
    /// with deadlines added; see `StraitWorld.disb`.
    public enum Workload: String, Hashable, Sendable, CaseIterable {
        // Names as published.
        case a, b, c, d, e
    }

    /// Which part of the grid it belongs to.
    public var axis: String
    /// What is different from the base cell, such as `1.1`.
    public var value: String
    /// Batches that may run on a device at once.
    public var slots: Int32 = 2
    /// Devices.
    public var devices: Int32 = 1
    /// Work that arrives per second of a device: sum of rate x (time of a batch of 4) / 4.
    public var load = 0.9
    /// The part of it that is of class high.
    public var highPart = 0.5
    /// High deadlines in multiples of the time of a batch of 4, copies included; low have twice.
    public var deadlineFactor = 2.0
    /// When requests come.
    public var traffic = Traffic.poisson
    /// The bytes of every input; nil = as each network has them.
    public var inputBytes: Int64?
    /// Whether devices share a link that carries one of them at full speed.
    public var sharesLink = false
    /// What changes half-way.
    public var drift: Drift?
    /// Instead of all this, a mixture of DISB.
    public var workload: Workload?

    /// The base cell: one device, two at once, Poisson, load 0.9, half of it high, factor 2.
    public static let base = StraitCell(axis: "base", value: "base")

    /// Creates the base cell under another name.
    public init(axis: String, value: String) {
        self.axis = axis
        self.value = value
    }

    /// Its name in tables.
    public var name: String { axis == "base" ? "base" : "\(axis) \(value)" }

    private static func cell(
        _ axis: String,
        _ value: String,
        _ change: (inout StraitCell) -> Void
    ) -> StraitCell {
        var cell = StraitCell(axis: axis, value: value)
        change(&cell)
        return cell
    }

    /// The base cell and one axis at a time.
    public static var axes: [StraitCell] {
        var cells = [base]
        for slots: Int32 in [1, 3, 4] {
            cells.append(cell("slots", "\(slots)") { $0.slots = slots })
        }
        for count: Int32 in [2, 4] {
            cells.append(cell("devices", "\(count)") { $0.devices = count })
        }
        for load in [0.6, 0.8, 1.0, 1.1, 1.2] {
            cells.append(cell("load", "\(load)") { $0.load = load })
        }
        for part in [0.2, 0.8] {
            cells.append(cell("high", "\(Int(part * 100)) %") { $0.highPart = part })
        }
        for factor in [1.6, 3.0, 5.0] {
            cells.append(cell("deadline", "\(factor)") { $0.deadlineFactor = factor })
        }
        for traffic in [Traffic.bursty, .uneven] {
            cells.append(cell("traffic", traffic.rawValue) { $0.traffic = traffic })
        }
        return cells
    }

    /// Everything that differs in load, deadlines and slots at once.
    public static var grid: [StraitCell] {
        var cells: [StraitCell] = []
        for slots: Int32 in [2, 3] {
            for load in [0.8, 1.0, 1.2] {
                for factor in [1.6, 3.0] {
                    cells.append(
                        cell("grid", "slots \(slots), load \(load), deadline \(factor)") {
                            $0.slots = slots
                            $0.load = load
                            $0.deadlineFactor = factor
                        }
                    )
                }
            }
        }
        return cells
    }

    /// DISB's mixtures.
    public static var workloads: [StraitCell] {
        Workload.allCases.map { workload in
            cell("disb", workload.rawValue.uppercased()) { $0.workload = workload }
        }
    }

    /// Inputs from small to large, alone and beside a second device on the same link.
    public static var inputs: [StraitCell] {
        let sizes: [(String, Int64)] = [
            ("224 fp32", 602_112), ("640 uint8", 1_228_800), ("640 fp32", 4_915_200),
            ("1280 fp32", 19_660_800),
        ]
        return [Int32(1), 2].flatMap { devices in
            sizes.map { name, bytes in
                cell("input", devices == 1 ? name : "\(name), shared link") {
                    $0.inputBytes = bytes
                    $0.devices = devices
                    $0.sharesLink = devices > 1
                }
            }
        }
    }

    /// The drift tests, with two and with four batches at once.
    public static var drifts: [StraitCell] {
        [Drift.models, .load, .slots, .power].flatMap { drift in
            [Int32(2), 4].compactMap { slots in
                if drift == .slots, slots == 4 { return nil }
                return cell("drift", "\(drift.rawValue), slots \(slots)") {
                    $0.drift = drift
                    $0.slots = slots
                    // Doubled it is 1.2; at 0.9 nothing would be left to learn from but drops.
                    if drift == .load { $0.load = 0.6 }
                }
            }
        }
    }
}
