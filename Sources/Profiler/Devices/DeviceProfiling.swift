public import Documents
public import ServerRuntime
public import ServingDomain

/// Measures a device and models on it, part by part; each part's file is written as soon as it is
/// done, so a run that was interrupted, or that ran out of its time, goes on where it stopped.
public struct DeviceProfiling: Sendable {
    /// A model to measure.
    public struct Candidate: Sendable {
        /// The model, its weights in memory.
        public var subject: Subject
        /// The digest of its file.
        public var digest: String
        /// How long reading it took.
        public var loading: TimeSpan

        /// Creates a candidate.
        public init(subject: Subject, digest: String, loading: TimeSpan) {
            self.subject = subject
            self.digest = digest
            self.loading = loading
        }
    }

    /// What a run has come to.
    public struct Outcome: Sendable {
        /// All profiles that are there now.
        public var profiles: [Profile] = []
        /// Parts that were measured, that were there already, and that are left.
        public var measured = 0, kept = 0, left = 0
        /// Parts that could not be measured, and why.
        public var failures: [String] = []
    }

    /// The device.
    public let device: ProfiledDevice
    /// How to measure the device itself.
    public let probes: DeviceProbes
    /// Where files go.
    public let folder: ProfileFolder
    /// What a measurement depends on beside the model.
    public let fingerprint: String
    /// The day, such as `2026-11-21`.
    public let today: String
    /// When a point is measured well enough.
    public var patience = Patience()
    /// How groups are measured.
    public var groups = GroupProfiler()
    /// Whether what is there already is measured again.
    public var again = false
    /// Adds to a profile what its graph tells.
    public var complete: @Sendable (inout Profile) -> Void = { _ in }
    /// Says what has been finished.
    public var note: @Sendable (String) -> Void = { _ in }
    private let stopwatch: Stopwatch

    /// The sizes of copies that are measured, in bytes; 2 MiB is a chunk of `StagePlan`.
    public static let copySizes: [Int64] = [4 << 10, 64 << 10, 1 << 20, 2 << 20, 8 << 20, 32 << 20]
    /// Copies of each size and direction.
    static let copySamples = 21

    /// Sets up measurements on a device.
    public init(
        device: ProfiledDevice,
        probes: DeviceProbes,
        folder: ProfileFolder,
        fingerprint: String,
        today: String,
        stopwatch: Stopwatch = .system
    ) {
        self.device = device
        self.probes = probes
        self.folder = folder
        self.fingerprint = fingerprint
        self.today = today
        self.stopwatch = stopwatch
    }

    /// Measures what of the grid is not there yet and fits into the time.
    ///
    /// A part that fails is noted and the next one is measured, unless the device is lost.
    public func run(
        _ candidates: [Candidate],
        _ grid: MeasurementGrid,
        within budget: TimeBudget
    ) throws(EngineError) -> Outcome {
        var outcome = Outcome()
        var known = Known(self)
        for part in grid.parts {
            if let profile = known.profile(part, candidates, self) {
                outcome.profiles.append(profile)
                outcome.kept += 1
                continue
            }
            if known.holds(part, candidates, self) {
                outcome.kept += 1
                continue
            }
            guard budget.fits(time(of: part, candidates)) else {
                outcome.left += 1
                continue
            }
            do throws(EngineError) {
                try measure(part, candidates, &known, &outcome)
                outcome.measured += 1
            } catch {
                if error.kind == .deviceLost { throw error }
                outcome.failures.append("\(title(of: part, candidates)): \(error.message)")
            }
        }
        return outcome
    }

    /// How long a part takes, about: warm-up and starts come on top of the rounds.
    func time(of part: MeasurementGrid.Part, _ candidates: [Candidate]) -> TimeSpan {
        switch part {
        case .gpulets: .seconds(1)
        case .copies: .seconds(5)
        case .surface(let place):
            patience.roundTime
                * Int64(
                    patience.leastRounds * device.sizes.count
                        * candidates[place].subject.batches.count
                ) + candidates[place].loading + .seconds(2)
        case .together(let seats): groups.time(lanes: seats.count)
        }
    }

    /// What a part is called.
    func title(of part: MeasurementGrid.Part, _ candidates: [Candidate]) -> String {
        switch part {
        case .gpulets: "gpulets"
        case .copies: "copies"
        case .surface(let place): candidates[place].subject.name
        case .together(let seats):
            seats.map { seat in
                let share = device.spec.share(of: seat.units)
                let name = candidates[seat.subject].subject.name
                return "\(name) b\(seat.batch) on \(JSONText.number(share)) %"
            }.joined(separator: " beside ")
        }
    }
}

// MARK: - What is there already

extension DeviceProfiling {
    /// The files' contents, which grow as parts are measured.
    struct Known {
        var device: DeviceMeasurements
        var groups: CoRunPairs

        init(_ run: DeviceProfiling) {
            let kind = run.device.spec.kind
            device = DeviceMeasurements(device: kind)
            groups = CoRunPairs(device: kind)
            if !run.again {
                let fingerprint = run.fingerprint
                device = run.folder.keptMeasurements(kind, fingerprint: fingerprint) ?? device
                groups = run.folder.keptPairs(fingerprint: fingerprint) ?? groups
            }
            (device.fingerprint, device.measured) = (run.fingerprint, run.today)
            (groups.fingerprint, groups.measured) = (run.fingerprint, run.today)
        }

        /// The profile of a surface that is there and whole.
        func profile(
            _ part: MeasurementGrid.Part,
            _ candidates: [Candidate],
            _ run: DeviceProfiling
        ) -> Profile? {
            guard case .surface(let place) = part, !run.again else { return nil }
            let subject = candidates[place].subject
            let points = run.device.sizes.flatMap { units in
                subject.batches.map { (batch: $0, share: run.device.spec.share(of: units)) }
            }
            return run.folder.kept(
                subject.name,
                digest: candidates[place].digest,
                fingerprint: run.fingerprint,
                points: points
            )
        }

        /// Whether another part is there.
        func holds(
            _ part: MeasurementGrid.Part,
            _ candidates: [Candidate],
            _ run: DeviceProfiling
        ) -> Bool {
            switch part {
            case .gpulets: device.gpulets.count == run.device.sizes.count
            case .copies:
                device.copies.count
                    == DeviceProfiling.copySizes.count * DeviceMeasurements.Direction.allCases.count
            case .surface: false
            case .together(let seats):
                groups.pairs.contains { row in
                    row.victim == run.side(seats[0], candidates)
                        && row.beside == seats.dropFirst().map { run.side($0, candidates) }
                }
            }
        }
    }

    fileprivate func side(
        _ seat: MeasurementGrid.Seat,
        _ candidates: [Candidate]
    ) -> CoRunPairs.Side {
        CoRunPairs.Side(
            model: candidates[seat.subject].subject.name,
            batch: seat.batch,
            share: device.spec.share(of: seat.units)
        )
    }
}

// MARK: - Measuring

extension DeviceProfiling {
    private func measure(
        _ part: MeasurementGrid.Part,
        _ candidates: [Candidate],
        _ known: inout Known,
        _ outcome: inout Outcome
    ) throws(EngineError) {
        switch part {
        case .gpulets: try gpulets(&known.device)
        case .copies: try copies(&known.device)
        case .surface(let place):
            let profile = try surface(candidates[place])
            try keep { () throws(ProfilerError) in try folder.write(profile) }
            outcome.profiles.append(profile)
        case .together(let seats): try together(seats, candidates, &known.groups)
        }
        note("\(title(of: part, candidates)): measured")
    }

    private func gpulets(_ known: inout DeviceMeasurements) throws(EngineError) {
        var rows: [DeviceMeasurements.Gpulet] = []
        for units in device.sizes {
            let cost = try probes.gpulet(units)
            rows.append(
                DeviceMeasurements.Gpulet(
                    share: device.spec.share(of: units),
                    createMs: cost.create.inMilliseconds,
                    resizeMs: cost.resize.inMilliseconds,
                    destroyMs: cost.destroy.inMilliseconds
                )
            )
        }
        known.gpulets = rows
        let measured = known
        try keep { () throws(ProfilerError) in try folder.write(measured) }
    }

    private func copies(_ known: inout DeviceMeasurements) throws(EngineError) {
        var rows: [DeviceMeasurements.Copy] = []
        for direction in DeviceMeasurements.Direction.allCases {
            for bytes in Self.copySizes {
                var samples = LatencySamples()
                // The first one pays for the buffers.
                _ = try probes.copy(direction, bytes)
                for _ in 0..<Self.copySamples { samples.add([try probes.copy(direction, bytes)]) }
                rows.append(
                    DeviceMeasurements.Copy(
                        direction: direction,
                        bytes: bytes,
                        ms: max(1e-6, samples.median?.inMilliseconds ?? 0),
                        samples: Int64(samples.count)
                    )
                )
            }
        }
        known.copies = rows
        var description = DeviceDescription(kind: device.spec.kind, units: device.spec.units)
        description.grain = device.spec.grain
        description.memoryMiB = device.spec.memoryMiB > 0 ? device.spec.memoryMiB : nil
        description.copyEngines = device.spec.copyEngines
        description.copy = known.link
        description.sources = ["measured \(today) by sluice profile: \(fingerprint)"]
        let (measured, described) = (known, description)
        try keep { () throws(ProfilerError) in
            try folder.write(measured)
            try folder.write(described)
        }
    }

    private func surface(_ candidate: Candidate) throws(EngineError) -> Profile {
        let subject = candidate.subject
        let profiler = SoloProfiler(device: device, patience: patience, stopwatch: stopwatch)
        // The first instance pays for what all share; the second is what a warm start takes.
        let first = try profiler.warmStart(subject)
        let warm = try profiler.warmStart(subject)
        let points = try profiler.measure(subject)
        var profile = Profile(
            model: subject.name,
            device: device.spec.kind,
            latency: points.compactMap { point in
                point.samples.median.map { median in
                    Profile.Row(
                        batch: point.batch,
                        share: device.spec.share(of: point.units),
                        ms: median.inMilliseconds,
                        p99Ms: point.samples.p99?.inMilliseconds,
                        samples: Int64(point.samples.count)
                    )
                }
            }
        )
        profile.inputBytes = subject.inputBytes
        profile.outputBytes = subject.outputBytes
        profile.digest = candidate.digest
        profile.fingerprint = fingerprint
        profile.measured = today
        let weights = subject.model.weightsMiB
        if weights > 0 { profile.weightsMiB = Double(weights) }
        profile.start = Profile.Start(
            cold: (candidate.loading + first).inMilliseconds,
            warm: warm.inMilliseconds
        )
        complete(&profile)
        return profile
    }

    private func together(
        _ seats: [MeasurementGrid.Seat],
        _ candidates: [Candidate],
        _ known: inout CoRunPairs
    ) throws(EngineError) {
        let placements = device.placements(seats.map(\.units))
        let lanes = zip(seats, placements).map { seat, placement in
            GroupProfiler.Lane(
                subject: candidates[seat.subject].subject,
                batch: seat.batch,
                placement: placement
            )
        }
        let sides = seats.map { side($0, candidates) }
        for cost in try groups.measure(lanes) {
            var beside = sides
            let victim = beside.remove(at: cost.lane)
            known.pairs.append(
                CoRunPairs.Row(
                    victim: victim,
                    beside: beside,
                    slowdown: cost.slowdown,
                    samples: Int64(cost.samples)
                )
            )
        }
        let measured = known
        try keep { () throws(ProfilerError) in try folder.write(measured) }
    }

    /// Writes; a file that can't be written ends the part like an engine that fails.
    private func keep(_ write: () throws(ProfilerError) -> Void) throws(EngineError) {
        do throws(ProfilerError) {
            try write()
        } catch {
            throw EngineError(.failed, error.description)
        }
    }
}
