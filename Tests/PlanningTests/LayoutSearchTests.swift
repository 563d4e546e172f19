import ServingDomain
import Testing

@testable import Planning

/// Every way to split devices, once.
@Suite struct LayoutSearchTests {
    private func layouts(_ world: PlanningWorld, maxGpulets: Int32? = nil) -> [[[Int32]]] {
        var options = GpuletOptions()
        options.maxGpulets = maxGpulets
        let tables = PaperTables(world.inputs, options)
        return world.devices.indices.map { ExhaustivePlanner.layouts(of: $0, tables) }
    }

    @Test("Four devices of four layouts have 35 of them up to permutation, 256 in all orders")
    func counts() {
        let world = PlanningWorld(devices: 4)
        let each = layouts(world)
        #expect(each[0] == [[50, 50], [60, 40], [80, 20], [100]])
        let devices = world.devices
        func all(_ permutes: Bool) -> [[[Int32]]] {
            Array(LayoutSearch(devices: devices, layouts: each, permutes: permutes))
        }
        #expect(all(false).count == 35)
        #expect(all(true).count == 256)
        #expect(Set(all(true)).count == 256)
        let sorted = Set(all(false).map { $0.sorted { $0.lexicographicallyPrecedes($1) } })
        #expect(sorted.count == 35)
    }

    @Test("Devices that differ are not swapped, and no device is one empty layout")
    func mixed() {
        var world = PlanningWorld(devices: 2)
        world.devices[1].memoryMiB = 1_000
        let each = layouts(world)
        let found = Array(LayoutSearch(devices: world.devices, layouts: each, permutes: false))
        #expect(found.count == 16)
        #expect(Array(LayoutSearch(devices: [], layouts: [], permutes: false)) == [[]])
    }

    @Test("With more gpulets all partitions are there that leave nothing over")
    func partitions() {
        var world = PlanningWorld(devices: 1)
        world.devices[0].maxGpulets = 0
        let three = layouts(world, maxGpulets: 3)[0]
        #expect(three.contains([60, 20, 20]) && three.contains([40, 40, 20]))
        #expect(three.allSatisfy { $0.reduce(0, +) <= 100 && $0.count <= 3 })
        #expect(!three.contains([40, 40]))
        let seven = layouts(world, maxGpulets: 7)[0]
        #expect(seven.contains([20, 20, 20, 20, 20]))
    }
}
