import ServingDomain

/// Surfaces, profiles and contention models in the journal's form.
extension JournalBytes {
    mutating func append(_ real: Double) { append(real.bitPattern) }

    mutating func append(_ surface: LatencySurface) {
        append(all: surface.points) { $0.append($1) }
    }

    mutating func append(_ point: LatencySurface.Point) {
        append(point.batch)
        append(point.units)
        append(point.instances)
        append(point.latency.nanoseconds)
        append(optional: point.p99) { $0.append($1.nanoseconds) }
    }

    mutating func append(_ estimate: LatencyEstimate) {
        append(estimate.batch)
        append(estimate.units)
        append(estimate.instances)
        append(estimate.latency.nanoseconds)
        append(estimate.spreadMilli)
    }

    mutating func append(_ profile: DeviceProfile) {
        append(profile.kind)
        append(profile.surface)
        append(profile.memory.weightsKiB)
        append(all: profile.memory.workspace) { bytes, row in
            bytes.append(row.batch)
            bytes.append(row.kib)
        }
        append(all: profile.utilization) { bytes, row in
            bytes.append(row.batch)
            bytes.append(row.sm)
            bytes.append(row.l2)
            bytes.append(row.dram)
        }
        append(profile.coldStart.nanoseconds)
        append(profile.warmStart.nanoseconds)
        append(profile.segments)
        append(all: profile.estimatedUnits) { $0.append($1) }
    }

    mutating func append(_ model: ContentionModel) {
        switch model {
        case .none: append(byte: 0)
        case .linear(let linear):
            append(byte: 1)
            for weight in [linear.l2Self, linear.l2Other, linear.dramSelf, linear.dramOther] {
                append(weight)
            }
            append(linear.constant)
        case .loss(let loss):
            append(byte: 2)
            append(all: loss.weights) { $0.append($1) }
        case .table(let table):
            append(byte: 3)
            append(table.unknown)
            append(all: table.pairs) { bytes, pair in
                bytes.append(pair.victim.index)
                bytes.append(pair.other.index)
                bytes.append(pair.slowdown)
            }
        }
    }
}

extension JournalCursor {
    mutating func real() throws(JournalError) -> Double { Double(bitPattern: try number()) }

    mutating func span() throws(JournalError) -> TimeSpan {
        TimeSpan(nanoseconds: try signed())
    }

    mutating func surface() throws(JournalError) -> LatencySurface {
        LatencySurface(try all { cursor throws(JournalError) in try cursor.point() })
    }

    mutating func point() throws(JournalError) -> LatencySurface.Point {
        let point = LatencySurface.Point(
            batch: try small(in: 1 ... .max),
            units: try small(in: 1 ... .max),
            instances: try small(in: 1 ... .max),
            latency: try span(),
            p99: try optional { cursor throws(JournalError) in try cursor.span() }
        )
        guard point.latency >= .zero, point.p99.map({ $0 >= .zero }) ?? true else {
            throw .damaged("a latency is negative")
        }
        return point
    }

    mutating func estimate() throws(JournalError) -> LatencyEstimate {
        LatencyEstimate(
            batch: try small(in: 1 ... .max),
            units: try small(in: 1 ... .max),
            instances: try small(in: 1 ... .max),
            latency: try span(),
            spreadMilli: try small(in: 0 ... .max)
        )
    }

    mutating func profile() throws(JournalError) -> DeviceProfile {
        DeviceProfile(
            kind: try text(),
            surface: try surface(),
            memory: MemoryFootprint(
                weightsKiB: try signed(),
                workspace: try all { cursor throws(JournalError) in
                    .init(batch: try cursor.small(), kib: try cursor.signed())
                }
            ),
            utilization: try all { cursor throws(JournalError) in
                Utilization(
                    batch: try cursor.small(),
                    sm: try cursor.real(),
                    l2: try cursor.real(),
                    dram: try cursor.real()
                )
            },
            coldStart: try span(),
            warmStart: try span(),
            segments: try small(in: 1 ... .max),
            estimatedUnits: try all { cursor throws(JournalError) in try cursor.small() }
        )
    }

    mutating func contention() throws(JournalError) -> ContentionModel {
        switch try byte() {
        case 0: return .none
        case 1:
            return .linear(
                LinearContention(
                    l2Self: try real(),
                    l2Other: try real(),
                    dramSelf: try real(),
                    dramOther: try real(),
                    constant: try real()
                )
            )
        case 2:
            let weights = try all { cursor throws(JournalError) in try cursor.real() }
            guard weights.count == LossContention.featureCount else {
                throw .damaged("a contention model has \(weights.count) weights")
            }
            return .loss(LossContention(weights: weights))
        case 3:
            let unknown = try real()
            let pairs = try all { cursor throws(JournalError) in
                PairContention.Pair(
                    victim: ModelID(try cursor.small()),
                    other: ModelID(try cursor.small()),
                    slowdown: try cursor.real()
                )
            }
            return .table(PairContention(pairs, unknown: unknown))
        default: throw .damaged("a contention model has an unknown form")
        }
    }
}
