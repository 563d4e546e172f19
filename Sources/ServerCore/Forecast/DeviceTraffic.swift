import ServingDomain

/// The batches that are on one device, as far as they are known at `clock`.
package struct DeviceTraffic: Sendable {
    /// The most batches that are followed; more are neither predicted nor learned from.
    package static let capacity = 16

    /// The kind of the device, by its place in the forecast.
    package let kind: Int
    /// The link that it shares; -1 = its own.
    package let uplink: Int32
    /// Its units.
    package let units: Int32
    /// Whether low batches cost high ones nothing.
    package let preemptsLow: Bool
    /// The time that the flights speak of, in nanoseconds.
    package private(set) var clock: Int64 = 0
    /// What is on its way.
    package internal(set) var flights: [Flight] = []
    var logs: [FlightLog] = []
    /// The mean of what recent batches pressed the device with, and of their runs alone.
    package internal(set) var typical = Pressure.none
    package internal(set) var typicalSolo = 0.0
    /// What copies take.
    package internal(set) var copy: CopyEstimate
    /// The number of the last copy that queued.
    package internal(set) var order: Int64 = 0

    init(_ device: DeviceSpec, kind: Int) {
        self.kind = kind
        uplink = device.copy?.uplink ?? -1
        units = device.units
        preemptsLow = device.preemptsLow
        copy = CopyEstimate(device)
        flights.reserveCapacity(Self.capacity)
        logs.reserveCapacity(Self.capacity)
    }

    /// Whether one more batch can be followed.
    package var hasRoom: Bool { flights.count < Self.capacity }

    /// Where the batch at `slot` is among the flights; nil if it is not followed.
    func place(of slot: Int32) -> Int? {
        for place in flights.indices where flights[place].batch == slot { return place }
        return nil
    }

    /// Brings the flights up to `now`.
    mutating func advance(to now: Int64, _ setting: borrowing CourseSetting) {
        guard now > clock else { return }
        if !flights.isEmpty {
            Course.follow(
                &flights,
                &logs,
                setting,
                order: &order,
                from: 0,
                to: Double(now - clock),
                isForecast: false
            )
        }
        clock = now
    }

    mutating func add(_ flight: Flight) {
        let part = typicalSolo == 0 ? 1 : 1.0 / 32
        typical = typical * (1 - part)
        typical += flight.pressure * part
        typicalSolo += (flight.solo - typicalSolo) * part
        flights.append(flight)
        logs.append(FlightLog())
    }

    mutating func remove(at place: Int) {
        flights.swapAt(place, flights.count - 1)
        logs.swapAt(place, logs.count - 1)
        flights.removeLast()
        logs.removeLast()
    }

    /// Solo nanoseconds of everything on its way: what tells a busy device from an idle one.
    package var backlog: Double {
        var sum = 0.0
        for place in flights.indices where flights[place].phase != .held {
            sum += flights[place].work + flights[place].setup
            if flights[place].phase == .copyIn {
                sum += (flights[place].bytes + flights[place].ahead) / copy.inward
            }
        }
        return sum
    }

    /// How many copy in one direction, and the bytes that those have left.
    package func copying(inward isInward: Bool) -> (count: Int, bytes: Double) {
        var (count, bytes) = (0, 0.0)
        for place in flights.indices where flights[place].isCopying {
            guard (flights[place].phase == .copyIn) == isInward else { continue }
            count += 1
            bytes += flights[place].bytes
        }
        return (count, bytes)
    }

    /// How many stages of low batches copy in one direction: chunks that the driver has.
    package func lowChunks(inward isInward: Bool) -> Int {
        var count = 0
        for place in flights.indices where flights[place].isStaged && flights[place].isCopying {
            if (flights[place].phase == .copyIn) == isInward { count += 1 }
        }
        return count
    }
}
