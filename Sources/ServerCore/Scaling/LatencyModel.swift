import ServingDomain

/// What a batch of b takes while k run at once, fitted to the settings that were measured:
/// L(b, k) = max(host(b), k x device(b)) with host and device straight lines over b.
///
/// Below saturation the host's share (decoding, launching) is what a batch takes, whatever k;
/// beyond it k batches take turns on the device. Which of the two a measured setting shows is
/// found by fitting in turn, as in k-means, from several guesses. Batch 1 has a host time of its
/// own: programs often treat it differently. Estimates are floating point; a decision rounds
/// them once.
struct LatencyModel: Sendable {
    /// One setting that was measured.
    struct Cell: Hashable, Sendable {
        var batch: Int32
        var instances: Int32
        /// The mean latency in nanoseconds.
        var latency: Double
        /// Batches that it rests on; 0 = a profile or an estimate said so.
        var samples: Int
        /// The standard error of the mean, as a part of it.
        var error = 0.03
        /// Whether batches were seen to miss the objective so often that it can't be chance.
        var isAborted = false

        /// Items per nanosecond.
        var rate: Double { items / latency }
        /// Items that run at once.
        var items: Double { Double(batch) * Double(instances) }
        func isAt(_ setting: LaneSetting) -> Bool {
            batch == setting.batch && instances == setting.instances
        }
        var setting: LaneSetting { LaneSetting(batch: batch, instances: instances) }

        /// What a profile or an estimate says of a setting.
        static func known(_ setting: LaneSetting, latency: TimeSpan, error: Double) -> Cell {
            Cell(
                batch: setting.batch,
                instances: setting.instances,
                latency: Double(max(1, latency.nanoseconds)),
                samples: 0,
                error: error
            )
        }

        /// Adds what was measured of the same setting before.
        mutating func merge(_ before: Cell) {
            let (own, theirs) = (1 / (error * error), 1 / (before.error * before.error))
            latency = (own * latency + theirs * before.latency) / (own + theirs)
            error = max(0.004, 1 / (own + theirs).squareRoot())
            samples = min(samples + before.samples, 1 << 20)
        }
    }

    /// What explains the cells.
    private struct Lines: Sendable {
        var host = RidgeLine(), device = RidgeLine()
        /// Host time at batch 1; infinite where it is not known.
        var hostAtOne = Double.infinity
        var misfit = Double.infinity
        /// How many cells show the device; with none its line is a guess.
        var sightings = Int.max
    }

    /// A prediction and its standard error, as a part of it.
    struct Guess: Sendable {
        var latency: Double
        var error: Double
    }

    private static let capacity = 16
    /// No two settings are alike beyond this, whatever the samples say.
    private static let roughness = 0.008

    /// How far a setting may lie off good lines, as a part.
    private static let bend = 0.012

    /// How much better, in squared standard errors, the device must explain a cell than the host.
    private static let sighting = 3.0

    private(set) var cells: [Cell] = []
    /// The lines in force, and the next best explanation if it fits nearly as well.
    private var lines = Lines()
    private(set) var hasAlternative = false
    private var alternative = Lines()
    /// Which cells show the device; in the order of `cells`.
    private var onDevice: [Bool] = []
    /// How far each cell lies off the lines, and how much that counts; in the order of `cells`.
    private var bends: [(part: Double, weight: Double)] = []
    /// Room for what is being fitted.
    private var points: [RidgeLine.Point] = []

    init() {
        cells.reserveCapacity(Self.capacity)
        onDevice.reserveCapacity(Self.capacity)
        points.reserveCapacity(2 * Self.capacity)
        bends.reserveCapacity(Self.capacity)
    }

    // MARK: Cells

    /// The cell of `setting`, if it was measured or estimated.
    func cell(_ setting: LaneSetting) -> Cell? { cells.first { $0.isAt(setting) } }

    /// Takes over what others say of settings that were not measured, on the same units.
    mutating func set(_ estimates: [LatencyEstimate], units: Int32) {
        for estimate in estimates.prefix(12)
        where estimate.units == units && estimate.spreadMilli <= 300 {
            let setting = LaneSetting(batch: estimate.batch, instances: estimate.instances)
            let error = max(0.03, Double(estimate.spreadMilli) / 1_000)
            set(.known(setting, latency: estimate.latency, error: error))
        }
    }

    /// Takes a cell over; of several of one setting the last counts. The oldest gives way.
    mutating func set(_ cell: Cell) {
        cells.removeAll { $0.batch == cell.batch && $0.instances == cell.instances }
        if cells.count == Self.capacity { cells.removeFirst() }
        cells.append(cell)
    }

    /// Makes everything slower or faster by a factor.
    mutating func scale(by factor: Double) {
        for place in cells.indices {
            cells[place].latency *= factor
            cells[place].error = max(cells[place].error, 0.05)
        }
        forgive()
    }

    /// Forgets which cells missed an objective, now that there is another; their means stay.
    mutating func forgive() {
        for place in cells.indices { cells[place].isAborted = false }
    }

    // MARK: Fitting

    /// Fits the lines to the cells.
    ///
    /// Cost: O(cells), six rounds at most from each of five guesses: a few microseconds.
    mutating func fit() {
        guard !cells.isEmpty else { return }
        var (best, found) = (Lines(), InlineArray<5, Lines>(repeating: Lines()))
        var (tried, count) = (InlineArray<5, UInt32>(repeating: .max), 0)
        for part in [0.93, 0.8, 0.6, 0.4, 0] {
            guess(part)
            // Most guesses are alike.
            let mark = onDevice.reduce(UInt32(0)) { $0 << 1 | ($1 ? 1 : 0) }
            guard !tried.indices.contains(where: { tried[$0] == mark }) else { continue }
            tried[count] = mark
            count += 1
            for _ in 0..<6 {
                fitLines()
                if !reassign() { break }
            }
            lines.misfit = misfit
            lines.sightings = onDevice.count { $0 }
            found[count - 1] = lines
            if lines.misfit < best.misfit { best = lines }
        }
        // Of all that fit nearly as well, the one that sees the device least often hopes for most.
        var second = Lines()
        for place in 0..<count
        where found[place].misfit > best.misfit + 0.01 && found[place].misfit < best.misfit + 12 {
            let (one, other) = (found[place], second)
            if (one.sightings, one.misfit) < (other.sightings, other.misfit) { second = one }
        }
        (lines, alternative) = (best, second)
        hasAlternative = second.misfit.isFinite
        measureBends()
    }

    /// Takes the other explanation for a moment, or puts the first back.
    mutating func swapExplanations() {
        swap(&lines, &alternative)
        measureBends()
    }

    private mutating func measureBends() {
        bends.removeAll(keepingCapacity: true)
        for cell in cells {
            let part = cell.latency / raw(cell.batch, cell.instances) - 1
            bends.append((part, 1 / (1 + cell.error * cell.error * 2_500)))
        }
    }

    /// Cells whose device does at least `part` of the most work show the device; 0 = those that
    /// take longer than the same batch did with fewer instances.
    private mutating func guess(_ part: Double) {
        onDevice.removeAll(keepingCapacity: true)
        guard part > 0 else {
            for cell in cells {
                onDevice.append(cell.instances > 1 && cell.latency > 1.15 * floor(under: cell))
            }
            return
        }
        // An item more is taken for a third of the first.
        func work(_ cell: Cell) -> Double {
            Double(cell.instances) * (1 + 0.35 * Double(cell.batch - 1)) / cell.latency
        }
        let most = cells.reduce(0) { max($0, work($1)) }
        for cell in cells { onDevice.append(work(cell) >= part * most) }
    }

    /// The shortest latency of the same batch at no more instances.
    private func floor(under cell: Cell) -> Double {
        cells.reduce(cell.latency) { least, other in
            other.batch == cell.batch && other.instances <= cell.instances
                ? min(least, other.latency) : least
        }
    }

    /// Which of the two each cell shows by the lines; whether that changed anything.
    private mutating func reassign() -> Bool {
        var isChanged = false
        for place in cells.indices {
            let shows = shows(device: cells[place])
            if shows != onDevice[place] { isChanged = true }
            onDevice[place] = shows
        }
        return isChanged
    }

    private func shows(device cell: Cell) -> Bool {
        let host = hostTime(cell.batch)
        let device = Double(cell.instances) * deviceTime(cell.batch)
        guard host > 0 else { return true }
        guard device > 0 else { return false }
        let (offHost, offDevice) = (host / cell.latency - 1, device / cell.latency - 1)
        let error = error(of: cell)
        return offDevice * offDevice + Self.sighting * error * error < offHost * offHost
    }

    /// The squared errors of the lines, each against the cell's own, with what was thought of the
    /// slopes. Of explanations that fit alike the one counts that sees the device less often: if
    /// it is wrong, the next probe will tell.
    private var misfit: Double {
        var sum = lines.host.surprise + lines.device.surprise
        for (cell, isDevice) in zip(cells, onDevice) {
            let off = (raw(cell.batch, cell.instances) / cell.latency - 1) / error(of: cell)
            sum += min(off * off, 400) + (isDevice ? Self.sighting : 0)
        }
        return sum
    }

    private func error(of cell: Cell) -> Double {
        (cell.error * cell.error + Self.roughness * Self.roughness).squareRoot()
    }

    private mutating func fitLines() {
        fitDevice()
        var (sum, weight) = (0.0, 0.0)
        for (cell, isDevice) in zip(cells, onDevice) where cell.batch == 1 && !isDevice {
            let share = 1 / (error(of: cell) * error(of: cell))
            sum += share * cell.latency
            weight += share
        }
        lines.hostAtOne =
            weight > 0
            ? sum / weight
            : cells.reduce(.infinity) { $1.batch == 1 ? min($0, $1.latency) : $0 }
        fitHost()
    }

    private mutating func fitDevice() {
        points.removeAll(keepingCapacity: true)
        for (cell, isDevice) in zip(cells, onDevice) where isDevice {
            points.append(point(cell, over: cell.instances))
        }
        if points.isEmpty {
            // Nothing is full yet: perhaps half of the tightest bound.
            let least = cells.reduce(.infinity) { min($0, $1.latency / $1.items) }
            points.append(RidgeLine.Point(batch: 1, latency: 0.5 * least, error: 0.3))
            lines.device = RidgeLine(points, slopeShare: 1, spread: 0.1)
            return
        }
        lines.device = RidgeLine(points, slopeShare: 0.6)
        // A batch that the host bounds says how slow the device is at most.
        let count = points.count
        for (cell, isDevice) in zip(cells, onDevice) where !isDevice {
            let bound = cell.latency / Double(cell.instances)
            guard deviceTime(cell.batch) > bound * 1.02 else { continue }
            let place = RidgeLine.Point(
                batch: Double(cell.batch),
                latency: 0.8 * bound,
                error: 0.12
            )
            points.append(place)
        }
        if points.count > count { lines.device = RidgeLine(points, slopeShare: 0.6) }
    }

    private mutating func fitHost() {
        points.removeAll(keepingCapacity: true)
        for (cell, isDevice) in zip(cells, onDevice) where !isDevice && cell.batch > 1 {
            points.append(point(cell, over: 1))
        }
        lines.host = RidgeLine(points, slopeShare: 0.5)
        let one = lines.hostAtOne
        if lines.host.places == 1, one.isFinite, one * points[0].batch >= points[0].latency {
            // No jump between 1 and that batch: one line through both.
            points.append(RidgeLine.Point(batch: 1, latency: one, error: 0.03))
            lines.host = RidgeLine(points, slopeShare: 0.5)
        }
        // A batch that the device bounds says how slow the host is at most.
        let count = points.count
        for (cell, isDevice) in zip(cells, onDevice) where isDevice && cell.batch > 1 {
            guard hostTime(cell.batch) > cell.latency * 1.01 else { continue }
            points.append(point(cell, over: 1))
        }
        if points.count > count { lines.host = RidgeLine(points, slopeShare: 0.5) }
    }

    private func point(_ cell: Cell, over instances: Int32) -> RidgeLine.Point {
        RidgeLine.Point(
            batch: Double(cell.batch),
            latency: cell.latency / Double(instances),
            error: error(of: cell)
        )
    }

    // MARK: Predictions

    /// Whether the device was seen; else what is said of it is a guess.
    var showsDevice: Bool { (1..<Int.max).contains(lines.sightings) }

    /// The host's time for a batch.
    func hostTime(_ batch: Int32) -> Double {
        batch == 1 && lines.hostAtOne.isFinite ? lines.hostAtOne : lines.host.at(Double(batch))
    }

    /// The device's time for a batch.
    func deviceTime(_ batch: Int32) -> Double { lines.device.at(Double(batch)) }

    /// The lines' word on a setting.
    func raw(_ batch: Int32, _ instances: Int32) -> Double {
        max(hostTime(batch), Double(instances) * deviceTime(batch))
    }

    /// How sure the lines are of a setting: the standard error, as a part.
    func rawError(_ batch: Int32, _ instances: Int32) -> Double {
        let hostTime = hostTime(batch)
        let deviceTime = Double(instances) * deviceTime(batch)
        let ofHost = batch == 1 ? 0.02 : lines.host.error(at: Double(batch))
        let ofDevice = lines.device.error(at: Double(batch))
        if deviceTime > 1.1 * hostTime { return ofDevice }
        if hostTime > 1.1 * deviceTime { return ofHost }
        return max(ofHost, ofDevice)
    }

    /// The lines' word, bent towards what near settings were measured to take. Cost: O(cells).
    func predicted(_ batch: Int32, _ instances: Int32) -> Guess {
        var (sum, weight) = (0.0, 1.0)
        for (cell, bend) in zip(cells, bends) {
            let alongBatch = Self.octaves(batch, cell.batch)
            let alongInstances = Self.octaves(instances, cell.instances)
            let distance = alongBatch * alongBatch + alongInstances * alongInstances
            // Four octaves away nothing is left of it.
            guard distance < 16 else { continue }
            let near = 1 / (1 + 2 * distance)
            let share = near * near * near * bend.weight
            sum += share * bend.part
            weight += share
        }
        let error = rawError(batch, instances)
        return Guess(latency: raw(batch, instances) * (1 + sum / weight), error: error)
    }

    /// What a measured setting takes: its own mean, drawn towards the lines where they fit.
    ///
    /// How sure the lines are does not matter here: their error is common to all settings, which
    /// are compared with each other.
    func smoothed(_ cell: Cell) -> Guess {
        let lines = raw(cell.batch, cell.instances)
        let own = cell.error * cell.error, theirs = Self.bend * Self.bend
        let off = lines / cell.latency - 1
        // Lines that are far off have nothing to say here.
        let share = off * off > 9 * (own + theirs) ? 1 : theirs / (own + theirs)
        let latency = lines + (cell.latency - lines) * share
        return Guess(latency: latency, error: cell.error * share.squareRoot())
    }

    /// About the logarithm of a ratio to base 2, without calling a logarithm.
    private static func octaves(_ left: Int32, _ right: Int32) -> Double {
        let (a, b) = (Double(left), Double(right))
        return 2.885 * (a - b) / (a + b)
    }
}
