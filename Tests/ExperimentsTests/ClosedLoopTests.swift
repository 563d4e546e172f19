import ServerCore
import ServingDomain
import ServingTestKit
import Testing

@testable import Experiments

/// The released controllers, driven through a real core in virtual time, take the steps that
/// replaying the authors' code takes (notes on DNNScaler, sections 3, 4.2 and 6).
@Suite struct GoldenTraceTests {
    private func batches(
        _ scaler: String,
        _ fixed: Double,
        _ perItem: Double,
        _ slo: Int64,
        seconds: Int64 = 40
    ) throws -> [Int32] {
        var world = ClosedLoop.World { batch, _ in fixed + perItem * Double(batch) }
        world.slo = .milliseconds(slo)
        world.maxInstances = 1
        var loop = try ClosedLoop(scaler: scaler, world, seed: 1)
        loop.run(until: .zero + .seconds(seconds))
        return loop.ledger.moves.map(\.setting.batch)
    }

    @Test("The released batch search steps as the authors' code does, off its list included")
    func batchSearch() throws {
        let name = "dnnscaler:released,approach=batching"
        #expect(try batches(name, 85.5, 13.61, 419) == [1, 65, 33, 17, 25, 21])
        #expect(try batches(name, 67.6, 14.81, 206) == [1, 65, 33, 17, 9])
        #expect(try batches(name, 77, 6.83, 321) == [1, 65, 33])
        #expect(try batches(name, 56, 13.97, 107) == [1, 65, 33, 17, 9, 5, 3])
        // The next index is 127, one past the list: the released program ends here.
        #expect(try batches(name, 5, 0.3, 100) == [1, 65, 97, 113, 121, 125, 127])
        // No batch falls into the band: for ever to and fro.
        let swinging = try batches(name, 1, 10, 25, seconds: 60)
        #expect(
            swinging.suffix(6) == [2, 3, 2, 3, 2, 3] || swinging.suffix(6) == [3, 2, 3, 2, 3, 2]
        )
    }

    @Test("The released Clipper steps as the authors' code does, the blind first step included")
    func clipper() throws {
        let name = "clipper:released"
        #expect(try batches(name, 85.5, 13.61, 419) == [1, 5, 9, 13, 17, 21])
        #expect(try batches(name, 67.6, 14.81, 206) == [1, 5, 9])
        #expect(try batches(name, 97.8, 10.38, 139) == [1, 5, 4, 3])
        #expect(try batches(name, 77, 6.83, 321) == [1, 5, 9, 13, 17, 21, 25, 29])
    }

    @Test("As the paper means it the search ends, at the best batch that was seen to hold")
    func paperSearch() throws {
        let name = "dnnscaler:approach=batching,samples=5"
        #expect(try batches(name, 1, 10, 25, seconds: 120).last == 2)
        #expect(try batches(name, 1, 10, 25, seconds: 120).count < 12)
        #expect(try batches(name, 5, 0.3, 100, seconds: 120).last == 128)
        let tight = try batches(name, 50, 10, 25, seconds: 60)
        #expect(tight.last == 1, "nothing holds, so the quickest is served: \(tight)")
    }

    /// Levels and what they take, by job, on the authors' own table.
    private static let jobs: [(job: Int, row: String, slo: Double, initial: Int, final: Int)] = [
        (1, "ImageNet Inc-V1", 35, 9, 8), (2, "ImageNet Inc-V2", 53, 10, 9),
        (4, "ImageNet Mob-V1-05", 199, 10, 10), (5, "ImageNet Mob-V1-025", 186, 10, 10),
        (6, "ImageNet Mob-V2-1", 81, 10, 10), (8, "ImageNet NAS-Mob", 85, 10, 10),
        (9, "ImageNet PNAS-Mob", 82, 10, 10), (10, "ImageNet Res-V2-50", 45, 7, 6),
        (14, "Caltech-256 Inc-V1", 48, 10, 10), (18, "Caltech-256 Mob-V1-1", 89, 10, 10),
        (19, "Caltech-256 Mob-V1-05", 60, 10, 10), (20, "Caltech-256 Mob-V1-025", 104, 10, 10),
        (21, "Caltech-256 Mob-V2-1", 129, 10, 10), (29, "LEDOV DeePVS", 3_000, 5, 6),
        (30, "DHF1K DeePVS", 5_000, 10, 9),
    ]

    private func levels(
        _ row: P40Tables.Row,
        slo: Double,
        options: String
    ) throws -> [Int32] {
        let measured = row.measured
        var world = ClosedLoop.World { _, count in measured[Int(min(10, count)) - 1] }
        world.slo = .milliseconds(rounding: slo)
        world.maxBatch = 1
        world.estimates = row.estimated.enumerated().map { place, latency in
            LatencyEstimate(
                batch: 1,
                units: 1,
                instances: Int32(place) + 1,
                latency: .milliseconds(rounding: latency),
                spreadMilli: 125
            )
        }
        let name = "dnnscaler:released,approach=tenancy" + options
        var loop = try ClosedLoop(scaler: name, world, seed: 1)
        loop.run(until: .zero + .seconds(slo > 1_000 ? 600 : 15))
        return loop.ledger.moves.map(\.setting.instances)
    }

    @Test("Initial and final levels on the authors' table are those that replaying gives")
    func levels() throws {
        guard let tables = P40Tables.shared else { return }
        for job in Self.jobs {
            let row = try #require(tables.row(job.row))
            let isVideo = job.slo > 1_000
            let options =
                isVideo
                ? ",window=5,bias=15000,add=25000,remove=20000,zero=false"
                // Shorter waits than the scripts': the steps are the same, the test is quick.
                : ",window=20,bias=500,add=1000,remove=1000,zero=false"
            let seen = try levels(row, slo: job.slo, options: options)
            // The plan's one instance comes first.
            let first = seen.first == 1 ? seen.dropFirst().first : seen.first
            #expect(first == Int32(job.initial), "job \(job.job): \(seen)")
            #expect(seen.last == Int32(job.final), "job \(job.job): \(seen)")
        }
    }

    @Test("The slot that is never written lets the video jobs settle beyond their objective")
    func zeroSlot() throws {
        guard let tables = P40Tables.shared else { return }
        let options = ",window=5,bias=15000,add=25000,remove=20000"
        let ledov = try levels(#require(tables.row("LEDOV DeePVS")), slo: 3_000, options: options)
        let dhf1k = try levels(#require(tables.row("DHF1K DeePVS")), slo: 5_000, options: options)
        #expect(ledov.last == 7 && dhf1k.last == 10, "\(ledov), \(dhf1k)")
    }
}
