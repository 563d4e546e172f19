import RealModule
import ServingDomain

/// What a batch of b takes while k run at once, fitted to the settings that were measured:
/// L(b, k) = max(host(b), k x device(b)) with host and device straight lines over b.
///
/// Below saturation the host's share (decoding, launching) is what a batch takes, whatever k;
/// beyond it k batches take turns on the device. Which of the two a measured setting shows is
/// found by fitting in turn, as in k-means. Batch 1 has a host time of its own: programs often
/// treat it differently. Estimates are floating point; a decision rounds them once.
struct LatencyModel: Sendable {
    /// One setting that was measured.
    struct Cell: Hashable, Sendable {
        var batch: Int32
        var instances: Int32
        /// The mean latency in nanoseconds.
        var latency: Double
        /// Batches that it rests on; 0 = a profile or an estimate said so.
        var samples: Int
        /// Whether batches were seen to miss the objective so often that the probe was ended.
        var isAborted = false

        /// Items per nanosecond.
        var rate: Double { Double(batch) * Double(instances) / latency }
        func isAt(_ setting: LaneSetting) -> Bool {
            batch == setting.batch && instances == setting.instances
        }
    }

    private static let capacity = 16
    private(set) var cells: [Cell] = []
    /// Host time at batch 1; intercept and slope of both lines, in nanoseconds.
    private(set) var hostAtOne = 0.0, host0 = 0.0, hostSlope = 0.0
    private(set) var device0 = 0.0, deviceSlope = 0.0
    /// Which cells show the device; in the order of `cells`.
    private var onDevice: [Bool] = []

    init() {
        cells.reserveCapacity(Self.capacity)
        onDevice.reserveCapacity(Self.capacity)
    }

    /// The cell of `setting`, if it was measured or estimated.
    func cell(_ setting: LaneSetting) -> Cell? { cells.first { $0.isAt(setting) } }

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
        }
        forgive()
    }

    /// Forgets which cells missed an objective, now that there is another; their means stay.
    mutating func forgive() {
        for place in cells.indices { cells[place].isAborted = false }
    }

    // MARK: Fitting

    /// Fits the lines to the cells. Cost: O(cells), six rounds at most.
    mutating func fit() {
        guard !cells.isEmpty else { return }
        hostAtOne = cells.reduce(.infinity) { $1.batch == 1 ? min($0, $1.latency) : $0 }
        onDevice = cells.map { cell in
            cell.instances > 1 && cell.latency > 1.15 * floor(under: cell)
        }
        for _ in 0..<6 {
            fitDevice()
            fitHost()
            let next = cells.map { shows(device: $0) }
            if next == onDevice { break }
            onDevice = next
        }
    }

    /// The shortest latency of the same batch at no more instances.
    private func floor(under cell: Cell) -> Double {
        cells.reduce(cell.latency) { least, other in
            other.batch == cell.batch && other.instances <= cell.instances
                ? min(least, other.latency) : least
        }
    }

    private func shows(device cell: Cell) -> Bool {
        let host = host(cell.batch)
        let device = Double(cell.instances) * device(cell.batch)
        guard host > 0 else { return true }
        guard device > 0 else { return false }
        return Double.log(device / cell.latency).magnitude
            < Double.log(host / cell.latency).magnitude
    }

    private mutating func fitDevice() {
        let points = zip(cells, onDevice).filter { $0.1 }
            .map { (Double($0.0.batch), $0.0.latency / Double($0.0.instances)) }
        let batches = Self.distinct(points)
        if points.isEmpty {
            // Nothing is full yet: perhaps half of the tightest bound.
            let least = cells.map { $0.latency / Double($0.instances * $0.batch) }.min() ?? 0
            (device0, deviceSlope) = (0, 0.5 * least)
        } else {
            (device0, deviceSlope) = Self.line(points, slopeShare: 0.6)
        }
        // A batch that the host bounds says how slow the device is at most. While the device was
        // seen at one batch size only, hope for less, or nobody would ever look.
        for (cell, isDevice) in zip(cells, onDevice) where !isDevice {
            let count = Double(cell.instances)
            let hope = count > 1 && batches < 2 && cell.batch > 1 ? 0.7 : 1
            let most = cell.latency * hope / count
            guard device(cell.batch) > most * 1.02 else { continue }
            deviceSlope = max(0, (most - device0) / Double(cell.batch))
            if deviceSlope == 0 { device0 = min(device0, most) }
        }
    }

    private mutating func fitHost() {
        let points = zip(cells, onDevice).filter { !$0.1 && $0.0.batch > 1 }
            .map { (Double($0.0.batch), $0.0.latency) }
        guard let first = points.first else {
            (host0, hostSlope) = (0, 0)
            return
        }
        if Self.distinct(points) == 1, hostAtOne.isFinite, hostAtOne * first.0 >= first.1 {
            // No jump between 1 and that batch: one line through both.
            hostSlope = max(0, (first.1 - hostAtOne) / (first.0 - 1))
            host0 = first.1 - hostSlope * first.0
        } else {
            (host0, hostSlope) = Self.line(points, slopeShare: 0.5)
        }
    }

    private static func distinct(_ points: [(Double, Double)]) -> Int {
        var count = 0
        for (place, point) in points.enumerated()
        where !points[..<place].contains(where: { $0.0 == point.0 }) {
            count += 1
        }
        return count
    }

    /// The line of least relative errors, with intercept and slope of at least zero; from a
    /// single place `slopeShare` of it counts as slope.
    private static func line(
        _ points: [(Double, Double)],
        slopeShare: Double
    ) -> (Double, Double) {
        var (weight, meanX, meanY) = (0.0, 0.0, 0.0)
        for (x, y) in points {
            let share = 1 / (y * y)
            weight += share
            meanX += share * x
            meanY += share * y
        }
        meanX /= weight
        meanY /= weight
        var (xx, xy, squares, products) = (0.0, 0.0, 0.0, 0.0)
        for (x, y) in points {
            let share = 1 / (y * y)
            xx += share * (x - meanX) * (x - meanX)
            xy += share * (x - meanX) * (y - meanY)
            squares += share * x * x
            products += share * x * y
        }
        guard distinct(points) > 1, xx > 0 else {
            return (meanY * (1 - slopeShare), meanY * slopeShare / meanX)
        }
        let slope = max(0, xy / xx)
        let intercept = meanY - slope * meanX
        return intercept < 0 ? (0, products / squares) : (intercept, slope)
    }

    // MARK: Predictions

    /// The host's time for a batch.
    func host(_ batch: Int32) -> Double {
        batch == 1 && hostAtOne.isFinite ? hostAtOne : host0 + hostSlope * Double(batch)
    }

    /// The device's time for a batch.
    func device(_ batch: Int32) -> Double { device0 + deviceSlope * Double(batch) }

    /// The lines' word on a setting.
    func raw(_ batch: Int32, _ instances: Int32) -> Double {
        max(host(batch), Double(instances) * device(batch))
    }

    /// The same, bent towards what near settings were measured to take. Cost: O(cells).
    func predicted(_ batch: Int32, _ instances: Int32) -> Double {
        var (sum, weight) = (0.0, 0.3)
        for cell in cells {
            let alongBatch = Self.octaves(batch, cell.batch)
            let alongInstances = Self.octaves(instances, cell.instances)
            let distance = alongBatch * alongBatch + alongInstances * alongInstances
            let near = 1 / (1 + 2 * distance)
            let share = near * near * near
            sum += share * (cell.latency / raw(cell.batch, cell.instances) - 1)
            weight += share
        }
        return raw(batch, instances) * (1 + sum / weight)
    }

    /// About the logarithm of a ratio to base 2, without calling a logarithm.
    private static func octaves(_ left: Int32, _ right: Int32) -> Double {
        let (a, b) = (Double(left), Double(right))
        return 2.885 * (a - b) / (a + b)
    }
}
