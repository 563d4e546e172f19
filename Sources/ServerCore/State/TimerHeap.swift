package import ServingDomain

/// The points in time at which numbered things want attention, earliest first.
///
/// A heap with four children per node and the place of every number beside it, so that any
/// entry can be moved or removed. Equal points fall to the lowest number.
///
/// Cost: `set` and `remove` O(log n), `first` O(1); no allocation but in `grow`.
package struct TimerHeap: Sendable {
    private struct Entry {
        var when: Int64
        var number: Int32

        func precedes(_ other: Entry) -> Bool {
            when == other.when ? number < other.number : when < other.when
        }
    }

    private var entries: [Entry] = []
    private var places: [Int32]

    /// Creates an empty heap for numbers below `capacity`.
    package init(capacity: Int) {
        places = Array(repeating: -1, count: capacity)
        entries.reserveCapacity(capacity)
    }

    /// Makes room for numbers below `capacity`.
    package mutating func grow(to capacity: Int) {
        while places.count < capacity { places.append(-1) }
        if entries.capacity < capacity { entries.reserveCapacity(capacity) }
    }

    /// How many numbers have a point in time.
    package var count: Int { entries.count }

    /// The earliest point; nil when nothing is set.
    package var earliest: Instant? {
        entries.first.map { Instant(nanoseconds: $0.when) }
    }

    /// The number whose point is the earliest and not later than `now`.
    package func due(at now: Instant) -> Int32? {
        guard let first = entries.first, first.when <= now.nanoseconds else { return nil }
        return first.number
    }

    /// The point of `number`; nil when none is set.
    package func point(of number: Int32) -> Instant? {
        let place = places[Int(number)]
        return place < 0 ? nil : Instant(nanoseconds: entries[Int(place)].when)
    }

    /// Sets the point of `number`, whether it had one or not; `distantFuture` removes it.
    package mutating func set(_ number: Int32, at when: Instant) {
        if when == .distantFuture { return remove(number) }
        let entry = Entry(when: when.nanoseconds, number: number)
        let place = Int(places[Int(number)])
        if place < 0 {
            entries.append(entry)
            rise(entry, from: entries.count - 1)
        } else if entry.precedes(entries[place]) {
            rise(entry, from: place)
        } else {
            sink(entry, from: place)
        }
    }

    /// Takes `number` out, if it is in.
    package mutating func remove(_ number: Int32) {
        let place = Int(places[Int(number)])
        guard place >= 0 else { return }
        places[Int(number)] = -1
        let last = entries.removeLast()
        guard place < entries.count else { return }
        if last.precedes(entries[place]) {
            rise(last, from: place)
        } else {
            sink(last, from: place)
        }
    }

    private mutating func rise(_ entry: Entry, from start: Int) {
        var place = start
        while place > 0 {
            let parent = (place - 1) >> 2
            guard entry.precedes(entries[parent]) else { break }
            put(entries[parent], at: place)
            place = parent
        }
        put(entry, at: place)
    }

    private mutating func sink(_ entry: Entry, from start: Int) {
        var place = start
        while case let child = (place << 2) + 1, child < entries.count {
            var least = child
            for other in child + 1..<max(child + 1, min(child + 4, entries.count))
            where entries[other].precedes(entries[least]) {
                least = other
            }
            guard entries[least].precedes(entry) else { break }
            put(entries[least], at: place)
            place = least
        }
        put(entry, at: place)
    }

    private mutating func put(_ entry: Entry, at place: Int) {
        entries[place] = entry
        places[Int(entry.number)] = Int32(place)
    }
}
