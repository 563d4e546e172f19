/// What a model does at each setting of batch size and instances on real cores, as far as it was
/// measured: the exhaustive optimum that scalers are held against.
struct CellGrid: Hashable, Sendable {
    /// A setting of both knobs.
    struct Setting: Hashable, Sendable, Comparable {
        /// Items in a batch, and batches at once.
        var batch: Int32, instances: Int32

        /// Creates a setting.
        init(batch: Int32, instances: Int32) {
            self.batch = batch
            self.instances = instances
        }

        /// Fewer instances first, then smaller batches: what costs less.
        static func < (one: Setting, other: Setting) -> Bool {
            (one.instances, one.batch) < (other.instances, other.batch)
        }
    }

    /// One measured setting.
    struct Cell: Hashable, Sendable {
        /// The setting.
        var setting: Setting
        /// The 95th percentile of a batch, in milliseconds.
        var p95Ms: Double
        /// Items per second over all instances.
        var rate: Double

        /// Creates a cell.
        init(_ setting: Setting, p95Ms: Double, rate: Double) {
            self.setting = setting
            self.p95Ms = p95Ms
            self.rate = rate
        }
    }

    /// All batch sizes of the grid: 1 to 32 in doublings.
    static let batches: [Int32] = [1, 2, 4, 8, 16, 32]
    /// All numbers of instances.
    static let instances: [Int32] = [1, 2, 3, 4]

    /// What was measured, in order.
    private(set) var cells: [Cell] = []

    /// An empty grid.
    init() {}

    /// Adds a cell; a setting measured twice keeps the later one.
    mutating func add(_ cell: Cell) {
        cells.removeAll { $0.setting == cell.setting }
        cells.append(cell)
    }

    /// The cell of a setting; nil where it was not measured.
    func cell(_ setting: Setting) -> Cell? { cells.first { $0.setting == setting } }

    /// The highest rate whose p95 keeps the objective; of equal rates the cheaper setting. Where
    /// none keeps it, the lowest latency.
    func best(within sloMs: Double) -> Cell? {
        let kept = cells.filter { $0.p95Ms <= sloMs }
        guard !kept.isEmpty else { return cells.min { $0.p95Ms < $1.p95Ms } }
        return kept.max { ($0.rate, $1.setting) < ($1.rate, $0.setting) }
    }

    /// Whether larger batches on as many instances need not be measured: latency grows with the
    /// batch, so what takes more than twice the objective can't be an answer, nor can what is
    /// larger.
    static func isBeyond(_ cell: Cell, sloMs: Double) -> Bool { cell.p95Ms > 2 * sloMs }

    /// The measured setting that a server's own count of batch and instances stands for: the
    /// largest batch of the grid not above it.
    static func nearest(batch: Int, instances: Double) -> Setting {
        let size = batches.last { Int($0) <= max(1, batch) } ?? 1
        let count = min(max(1, instances.rounded()), Double(Self.instances.last ?? 1))
        return Setting(batch: size, instances: Int32(count))
    }
}
