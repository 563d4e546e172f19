package import ServingDomain

/// The points in time at which numbered things want attention, earliest first.
///
/// A heap with four children per node and the place of every number beside it, so that any
/// entry can be moved or removed. Equal points fall to the lowest number.
///
/// Cost: `set` and `remove` O(log n), `first` O(1); no allocation but in `grow`.
package struct TimerHeap: ~Copyable, Sendable {
    /// One point. Not private: as a table's record that makes Swift 6.3.1's debug builds abort.
    struct Entry {
        var when: Int64
        var number: Int32

        func precedes(_ other: Entry) -> Bool {
            when == other.when ? number < other.number : when < other.when
        }
    }

    private var entries: Table<Entry>
    private var places: Table<Int32>
    /// How many numbers have a point in time.
    package private(set) var count = 0

    /// Creates an empty heap for numbers below `capacity`.
    package init(capacity: Int) {
        places = Table(repeating: -1, count: capacity)
        entries = Table(repeating: Entry(when: 0, number: -1), count: capacity)
    }

    /// Makes room for numbers below `capacity`.
    package mutating func grow(to capacity: Int) {
        places.grow(to: capacity, with: -1)
        entries.grow(to: capacity, with: Entry(when: 0, number: -1))
    }

    /// The earliest point; `distantFuture` when nothing is set.
    package var earliest: Instant {
        count == 0 ? .distantFuture : Instant(nanoseconds: entries[0].when)
    }

    /// The number whose point is the earliest and not later than `now`.
    package func due(at now: Instant) -> Int32? {
        guard count > 0, entries[0].when <= now.nanoseconds else { return nil }
        return entries[0].number
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
            count += 1
            rise(entry, from: count - 1)
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
        count -= 1
        guard place < count else { return }
        let last = entries[count]
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
            let above = entries[parent]
            guard entry.precedes(above) else { break }
            entries[place] = above
            places[Int(above.number)] = Int32(truncatingIfNeeded: place)
            place = parent
        }
        entries[place] = entry
        places[Int(entry.number)] = Int32(truncatingIfNeeded: place)
    }

    private mutating func sink(_ entry: Entry, from start: Int) {
        var place = start
        while case let child = (place << 2) + 1, child < count {
            var least = child
            var smallest = entries[child]
            let end = min(child + 4, count)
            var other = child + 1
            while other < end {
                let candidate = entries[other]
                if candidate.precedes(smallest) {
                    smallest = candidate
                    least = other
                }
                other += 1
            }
            guard smallest.precedes(entry) else { break }
            entries[place] = smallest
            places[Int(smallest.number)] = Int32(truncatingIfNeeded: place)
            place = least
        }
        entries[place] = entry
        places[Int(entry.number)] = Int32(truncatingIfNeeded: place)
    }
}
