import ServingDomain

/// The copy engines of all devices and the links behind them, as a fluid.
///
/// Copies of one device and direction go one after the other, in the order they were given (that
/// is what GPUs do; with a single engine both directions share one queue). The heads of the queues
/// share the link of their direction max-min fairly: none gets more than its own engine can do,
/// none is kept below an equal part while another has more. Each copy first takes its set-up
/// time, which uses no bandwidth.
///
/// Cost: O(queues of the link) per change; no allocation but when there are more jobs than ever.
struct CopyFabric: Sendable {
    /// No job.
    static let none: Int32 = -1

    private struct Queue {
        var head = CopyFabric.none, tail = CopyFabric.none
        /// What is left of the head: nanoseconds of set-up, then bytes.
        var setup = 0.0, bytes = 0.0
        /// Bytes per nanosecond.
        var rate = 0.0
    }

    private struct Link {
        /// The queues that share it.
        var queues: [Int] = []
        /// Bytes per nanosecond in one direction; 0 = no limit.
        var speed = 0.0
        /// The time up to which heads have been brought.
        var updated = Instant.zero
        /// The queue whose head changes next; -1 = none.
        var first = -1
        /// When it does.
        var next = Instant.distantFuture
    }

    private struct Copy {
        var bytes: Double = 0
        var isOut = false
        var next = CopyFabric.none
    }

    private let specs: [CopySpec?]
    private let engines: [Int32]
    private var queues: [Queue]
    private var links: [Link] = []
    private var linkOfDevice: [Int] = []
    private var copies: [Copy] = []

    /// Creates idle engines.
    init(devices: [DeviceSpec]) {
        specs = devices.map { $0.copyEngines > 0 ? $0.copy : nil }
        engines = devices.map(\.copyEngines)
        queues = Array(repeating: Queue(), count: devices.count * 2)
        var shared: [(uplink: Int32, link: Int)] = []
        for (place, device) in devices.enumerated() {
            var link = links.count
            if let copy = device.copy, copy.uplink >= 0 {
                if let known = shared.first(where: { $0.uplink == copy.uplink }) {
                    link = known.link
                } else {
                    shared.append((copy.uplink, link))
                }
            }
            if link == links.count { links.append(Link()) }
            links[link].queues += [place * 2, place * 2 + 1]
            let speed = Double(device.copy?.uplinkBytesPerSecond ?? 0) / 1e9
            // Of several figures for one link the smallest counts.
            if speed > 0 {
                links[link].speed =
                    links[link].speed > 0 ? min(links[link].speed, speed) : speed
            }
            linkOfDevice.append(link)
        }
    }

    /// How many links there are.
    var linkCount: Int { links.count }

    /// Whether data has to be moved to `device` at all.
    func moves(_ device: Int) -> Bool { specs[device] != nil }

    /// The link of `device`.
    func link(of device: Int) -> Int { linkOfDevice[device] }

    /// When something on `link` changes next.
    func next(of link: Int) -> Instant { links[link].next }

    /// How many copies of `device` are under way, waiting ones not counted.
    func active(on device: Int) -> Int32 {
        (queues[device * 2].head >= 0 ? 1 : 0) + (queues[device * 2 + 1].head >= 0 ? 1 : 0)
    }

    // MARK: Changes

    /// Puts a copy behind those of its device and direction.
    mutating func enqueue(_ job: Int32, device: Int, out: Bool, bytes: Int64, at now: Instant) {
        while copies.count <= Int(job) { copies.append(Copy()) }
        copies[Int(job)] = Copy(bytes: Double(bytes), isOut: out)
        let queue = place(of: device, out)
        let link = linkOfDevice[device]
        advance(link, to: now)
        if queues[queue].head >= 0 {
            copies[Int(queues[queue].tail)].next = job
            queues[queue].tail = job
        } else {
            queues[queue].head = job
            queues[queue].tail = job
            beginHead(queue)
            reschedule(link)
        }
    }

    /// Takes the copy that has ended on `link` by now; nil where none has, though something may
    /// have changed (a set-up time may have passed).
    mutating func finish(_ link: Int, at now: Instant) -> Int32? {
        guard links[link].next <= now else { return nil }
        let queue = links[link].first
        let wasSettingUp = queues[queue].setup > 0
        advance(link, to: now)
        let job = queues[queue].head
        if wasSettingUp { queues[queue].setup = 0 } else { removeHead(queue) }
        reschedule(link)
        return wasSettingUp ? nil : job
    }

    /// Takes a copy out, wherever it stands.
    mutating func cancel(_ job: Int32, device: Int, at now: Instant) {
        let link = linkOfDevice[device]
        advance(link, to: now)
        let queue = place(of: device, copies[Int(job)].isOut)
        if queues[queue].head == job {
            removeHead(queue)
            reschedule(link)
            return
        }
        var before = queues[queue].head
        while before >= 0, copies[Int(before)].next != job { before = copies[Int(before)].next }
        guard before >= 0 else { return }
        copies[Int(before)].next = copies[Int(job)].next
        if queues[queue].tail == job { queues[queue].tail = before }
    }

    // MARK: Arithmetic

    private func place(of device: Int, _ out: Bool) -> Int {
        device * 2 + (out && engines[device] > 1 ? 1 : 0)
    }

    private mutating func beginHead(_ queue: Int) {
        let job = queues[queue].head
        queues[queue].setup = Double(specs[queue / 2]?.setup.nanoseconds ?? 0)
        queues[queue].bytes = copies[Int(job)].bytes
        queues[queue].rate = 0
    }

    private mutating func removeHead(_ queue: Int) {
        queues[queue].head = copies[Int(queues[queue].head)].next
        if queues[queue].head >= 0 { beginHead(queue) } else { queues[queue] = Queue() }
    }

    private mutating func advance(_ link: Int, to now: Instant) {
        let passed = Double((now - links[link].updated).nanoseconds)
        links[link].updated = now
        guard passed > 0 else { return }
        for queue in links[link].queues where queues[queue].head >= 0 {
            if queues[queue].setup > 0 {
                queues[queue].setup -= passed
            } else {
                queues[queue].bytes -= queues[queue].rate * passed
            }
        }
    }

    private mutating func reschedule(_ link: Int) {
        share(link, out: false)
        share(link, out: true)
        var least = Double.infinity
        links[link].first = -1
        for queue in links[link].queues where queues[queue].head >= 0 {
            let span =
                queues[queue].setup > 0
                ? queues[queue].setup
                : (queues[queue].rate > 0 ? max(0, queues[queue].bytes / queues[queue].rate) : 0)
            if span < least {
                least = span
                links[link].first = queue
            }
        }
        links[link].next =
            links[link].first < 0
            ? .distantFuture
            : links[link].updated
                + TimeSpan(nanoseconds: Int64(min(9e18, least).rounded(.up)))
    }

    /// Water filling over the heads of one direction: in each round those that want less than an
    /// equal part get all they want; when there are none, every other gets the equal part.
    private mutating func share(_ link: Int, out: Bool) {
        var left = links[link].speed
        var open = 0
        for queue in links[link].queues where isTransferring(queue, out) {
            queues[queue].rate = -1
            open += 1
        }
        let isLimited = left > 0
        while open > 0 {
            let part = isLimited ? left / Double(open) : .infinity
            var served = 0
            for queue in links[link].queues
            where isTransferring(queue, out) && queues[queue].rate < 0 {
                let most = engineSpeed(queue)
                guard most <= part else { continue }
                queues[queue].rate = most
                left -= most
                served += 1
            }
            open -= served
            guard served == 0 else { continue }
            for queue in links[link].queues
            where isTransferring(queue, out) && queues[queue].rate < 0 {
                queues[queue].rate = part
            }
            open = 0
        }
    }

    private func isTransferring(_ queue: Int, _ out: Bool) -> Bool {
        let head = queues[queue].head
        return head >= 0 && queues[queue].setup <= 0 && copies[Int(head)].isOut == out
    }

    /// What the engine alone could do now, in bytes per nanosecond.
    private func engineSpeed(_ queue: Int) -> Double {
        guard let spec = specs[queue / 2] else { return .infinity }
        let other = queue ^ 1
        let isBothWays = queues[other].head >= 0 && queues[other].setup <= 0
        let milli = isBothWays ? spec.bothWaysMilli : 1_000
        return Double(spec.bytesPerSecond) / 1e9 * Double(milli) / 1_000
    }
}
