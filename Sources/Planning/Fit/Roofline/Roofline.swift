public import ServingDomain

/// Guesses how long a network takes on a machine that never ran it.
///
/// Each kernel takes the launch overhead and the longer of arithmetic and memory traffic
/// (Williams, Waterman and Patterson, CACM 2009). Arithmetic comes in waves of thread blocks: a
/// kernel has as many blocks as its outputs fill, n blocks on p processors need
/// ceil(n / (p x residents)) waves, and a wave that is half empty takes as long as a full one.
/// So latency is a staircase in the processors, and flat beyond those that the blocks fill.
/// Memory traffic is bounded by the device and by what the busy processors can ask for.
public struct Roofline: Hashable, Sendable {
    /// The machine.
    public var machine: Machine
    /// Multiplies the blocks of every kernel: below 1 a network fills fewer processors, above 1
    /// more. 1 is the calibrated value; experiments also show 0.5 and 2.
    public var occupancy: Double

    /// Creates a model of `machine`.
    public init(_ machine: Machine, occupancy: Double = 1) {
        precondition(occupancy > 0)
        self.machine = machine
        self.occupancy = occupancy
    }

    /// The latency of `batch` items on `processors`, in milliseconds. Cost: O(kernels).
    public func milliseconds(
        of network: NetworkCost,
        batch: Int32,
        processors: Int32
    ) -> Double {
        precondition(batch >= 1 && processors >= 1)
        var sum = 0.0
        for kernel in network.kernels {
            sum += Double(kernel.count) * seconds(of: kernel, batch, processors)
        }
        return sum * 1_000
    }

    /// How many kernels a run launches.
    public func launches(of network: NetworkCost) -> Int32 {
        var count: Int32 = 0
        for kernel in network.kernels {
            switch machine.execution {
            case .eager: count += kernel.isShifted ? 2 * kernel.count : kernel.count
            case .fused: count += kernel.kind == .elementwise ? 0 : kernel.count
            }
        }
        return count
    }

    /// How busy `batch` items keep the whole machine while they run alone, each 0...1: arithmetic
    /// done and bytes moved, over the peaks.
    ///
    /// L2 counts as `l2PerDram` times the memory: without counters nothing better is known.
    public func utilization(of network: NetworkCost, batch: Int32) -> Utilization {
        let least = max(1e-3, machine.launchMicroseconds / 1e3)
        let whole = milliseconds(of: network, batch: batch, processors: machine.processors)
        return utilization(of: network, batch: batch, milliseconds: max(least, whole))
    }

    /// The same for a latency that was measured on the whole machine.
    public func utilization(
        of network: NetworkCost,
        batch: Int32,
        milliseconds: Double
    ) -> Utilization {
        precondition(milliseconds > 0)
        let seconds = milliseconds / 1e3
        var flops = 0.0
        var bytes = 0.0
        for kernel in network.kernels {
            let share = kernel.kind == .conv3x3 ? machine.software.winogradGain : 1
            flops += Double(kernel.count) * Double(kernel.flops) * Double(batch) / share
            bytes += Double(kernel.count) * traffic(of: kernel, batch)
        }
        let dram = min(1, bytes / seconds / (machine.memoryGBps * 1e9))
        return Utilization(
            batch: batch,
            sm: min(1, flops / seconds / (machine.teraflops * 1e12)),
            l2: min(1, Self.l2PerDram * dram),
            dram: dram
        )
    }

    /// L2 throughput over memory throughput, both in parts of their peaks: the mean of the nine
    /// networks at batch 32 on an RTX 2080 Ti (gpu-lets' published utilisations).
    public static let l2PerDram = 0.425
}

extension Roofline {
    private func seconds(of kernel: KernelCost, _ batch: Int32, _ processors: Int32) -> Double {
        let rides = machine.execution == .fused && kernel.kind == .elementwise
        let blocks = blocks(of: kernel, batch)
        let moving = traffic(of: kernel, batch) / bandwidth(blocks, processors)
        // What a kernel does for its successor costs the second operand's traffic, no launch.
        if rides { return moving }
        let launch = machine.launchMicroseconds / 1e6
        var sum = launch + max(moving, computing(kernel, batch, blocks, processors))
        if machine.execution == .eager && kernel.isShifted {
            let pass = 2 * Double(batch) * bytes(kernel.writeBytes)
            sum += launch + pass / bandwidth(lightBlocks(kernel, batch), processors)
        }
        return sum
    }

    /// Bytes that a kernel moves for a whole batch.
    private func traffic(of kernel: KernelCost, _ batch: Int32) -> Double {
        let items = Double(batch)
        if machine.execution == .fused && kernel.kind == .elementwise {
            return items * bytes(max(0, kernel.readBytes - kernel.writeBytes))
        }
        return bytes(kernel.weightBytes) + items * bytes(kernel.readBytes + kernel.writeBytes)
    }

    private func bytes(_ fp32: Int64) -> Double {
        Double(fp32) * Double(machine.valueBytes) / 4
    }

    /// Bytes per second that `blocks` on `processors` can move.
    private func bandwidth(_ blocks: Double, _ processors: Int32) -> Double {
        let all = machine.memoryGBps * 1e9 * machine.software.memoryEfficiency
        let each = all / (Double(machine.processors) * machine.memoryShare)
        return min(all, each * min(Double(processors), blocks))
    }

    private func computing(
        _ kernel: KernelCost,
        _ batch: Int32,
        _ blocks: Double,
        _ processors: Int32
    ) -> Double {
        guard kernel.flops > 0 else { return 0 }
        let software = machine.software
        let efficiency: Double
        switch kernel.kind {
        case .depthwise: efficiency = software.depthwiseEfficiency
        case .conv3x3: efficiency = software.denseEfficiency * software.winogradGain
        default: efficiency = software.denseEfficiency
        }
        let residents = kernel.isDense ? software.denseResidents : software.lightResidents
        let waves = max(1, (blocks / (Double(processors) * residents) - 1e-9).rounded(.up))
        let perBlock = Double(kernel.flops) * Double(batch) / blocks
        // A processor's rate is shared by the blocks that it runs at once.
        let rate = machine.teraflops * 1e12 * efficiency / Double(machine.processors) / residents
        return waves * perBlock / rate
    }

    /// Thread blocks of a kernel. A dense kernel with too few outputs for all processors cuts its
    /// sums too, as libraries do; they size kernels for the whole device, whatever its part.
    private func blocks(of kernel: KernelCost, _ batch: Int32) -> Double {
        guard kernel.isDense else { return lightBlocks(kernel, batch) }
        let software = machine.software
        let outputs = Double(kernel.writeBytes) / 4
        let tiles = max(1, outputs * Double(batch) / software.denseBlock)
        let terms = Double(kernel.flops) / 2 / outputs
        let room = Double(machine.processors) / tiles
        let isProduct = kernel.kind == .matmul || kernel.kind == .attend
        let shortest = isProduct ? software.shortestProductSum : software.shortestSum
        let cuts = max(1, min(terms / shortest, room))
        return max(1, tiles * cuts * occupancy)
    }

    private func lightBlocks(_ kernel: KernelCost, _ batch: Int32) -> Double {
        let outputs = Double(kernel.writeBytes) / 4 * Double(batch)
        return max(1, max(1, outputs / machine.software.lightBlock) * occupancy)
    }
}

extension KernelCost {
    /// Whether it is a dense product, cut into large blocks.
    fileprivate var isDense: Bool {
        switch kind {
        case .conv, .conv3x3, .matmul, .attend: true
        case .depthwise, .elementwise, .normalise, .pool, .copy: false
        }
    }
}
