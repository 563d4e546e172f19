public import ServingDomain

/// The papers' ideal: every layout of the devices is tried with elastic partitioning's own way to
/// seat models, up to permutation of identical devices (gpu-lets; notes, section 4), or
/// `--full_search` of its public code with `margins=released,order=released`.
///
/// Exhaustive over layouts, not over seats or batches. The first layout that serves everything
/// is taken; else, since the heuristic may do worse with more devices, the best of all layouts of
/// the first 1, 2, ... devices, so that one more device never serves less. At most
/// `LayoutSearch.limit` layouts are tried: it is for a handful of devices.
public struct ExhaustivePlanner: Planner {
    /// What it was told.
    public let options: GpuletOptions

    /// Creates the planner.
    public init(options: GpuletOptions = GpuletOptions()) { self.options = options }

    /// The name under which it is asked for, options included.
    public var name: String { "exhaustive" + options.suffix }

    /// Makes a plan; what finds no place is unserved, with the reason.
    public func plan(_ inputs: PlanInputs) throws(PlanError) -> Plan {
        if options.order == .released {
            return ReleasedPlanning(
                rules: options.releasedRules,
                host: options.host,
                isExhaustive: true
            ).plan(inputs, named: name)
        }
        let tables = PaperTables(inputs, options)
        var best = PaperPlacing(tables)
        var hasBest = false
        for count in stride(from: inputs.devices.count, through: 1, by: -1) {
            let layouts = LayoutSearch(
                devices: Array(inputs.devices[..<count]),
                layouts: (0..<count).map { Self.layouts(of: $0, tables) },
                permutes: false
            )
            for choice in layouts.prefix(LayoutSearch.limit) {
                let placed = Self.place(choice, tables)
                if !hasBest || placed.unserved < best.unserved {
                    best = placed
                    hasBest = true
                }
                if best.unserved == 0 { return best.plan(named: name) }
            }
        }
        return best.plan(named: name)
    }

    private static func place(_ choice: [[Int32]], _ tables: PaperTables) -> PaperPlacing {
        var placing = PaperPlacing(tables)
        placing.maySplit = false
        for device in placing.devices.indices {
            // A device that is left out has nothing that could be taken.
            let sizes = device < choice.count ? choice[device] : []
            placing.devices[device].gpulets = sizes.map { PaperGpulet(units: $0) }
        }
        placing.placeElastically()
        return placing
    }

    /// The layouts of a device that leave nothing over that any of their parts could use; those
    /// with most parts first, all of the device last.
    static func layouts(of device: Int, _ tables: PaperTables) -> [[Int32]] {
        let sizes = tables.sizesOfDevice[device].units
        let whole = tables.inputs.devices[device].units
        let limit = tables.limitOfDevice[device]
        var found: [[Int32]] = []
        fill([], left: whole, sizes, limit, &found)
        return found.filter { parts in
            let left = whole - parts.reduce(0, +)
            let canGrow = parts.contains { part in
                sizes.contains { $0 > part && $0 - part <= left }
            }
            return !canGrow && (parts.count == limit || sizes.allSatisfy { $0 > left })
        }.sorted { left, right in
            left.count != right.count
                ? left.count > right.count : left.lexicographicallyPrecedes(right)
        }
    }

    /// Adds every way to go on from `parts` with sizes that do not grow.
    private static func fill(
        _ parts: [Int32],
        left: Int32,
        _ sizes: [Int32],
        _ limit: Int,
        _ found: inout [[Int32]]
    ) {
        guard found.count < LayoutSearch.limit else { return }
        if !parts.isEmpty { found.append(parts) }
        guard parts.count < limit else { return }
        for size in sizes where size <= left && size <= parts.last ?? left {
            fill(parts + [size], left: left - size, sizes, limit, &found)
        }
    }
}
