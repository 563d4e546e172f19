import ServingDomain
import Testing

@testable import Planning

/// Calibration stands before comparison: what results rest on must not change unseen.
@Suite struct CalibrationDigestTests {
    /// A digest of every latency, utilisation and footprint of every preset.
    static let pinned: [(kind: String, digest: UInt64)] = [
        ("rtx-2080ti", 0x43e6_e7c9_8d41_f064),
        ("tesla-p40", 0x941b_1bd6_9822_759f),
        ("l4", 0x1900_028d_cf23_deaa),
        ("a100", 0x19c1_8ab6_706a_39fd),
        ("h200", 0xf92e_e958_8010_45a6),
        ("cpu", 0x9386_705a_b689_cf81),
    ]

    @Test("Presets are as they were when results were made")
    func digests() throws {
        for (kind, digest) in Self.pinned {
            let preset = try DevicePreset.named(kind)
            var hash: UInt64 = 0xCBF2_9CE4_8422_2325
            func add(_ value: Int64) {
                hash = (hash ^ UInt64(bitPattern: value)) &* 0x100_0000_01B3
            }
            for knobs in [PresetKnobs(), PresetKnobs(occupancy: 0.5), PresetKnobs(occupancy: 2)] {
                for network in NetworkCost.known {
                    let profile = preset.profile(of: network, knobs: knobs)
                    for point in profile.surface.points {
                        add(Int64(point.batch))
                        add(Int64(point.units))
                        add(point.latency.nanoseconds)
                    }
                    for row in profile.utilization {
                        for part in [row.sm, row.l2, row.dram] {
                            add(Int64((part * 1e9).rounded()))
                        }
                    }
                    add(profile.memory.kib(batch: 32, instances: 1))
                }
            }
            #expect(
                hash == digest,
                """
                \(kind) is now 0x\(String(hash, radix: 16)): the calibration changed. Pin the new \
                digest, change Docs/CALIBRATION.md, and make every result anew that rests on it.
                """
            )
        }
    }
}
