import ServingDomain

/// What a driver has to do at stated times, earliest first; of equal times the one that was
/// noted first. Four children per node. Cost: O(log n), no allocation once it has grown.
struct EventHeap: Sendable {
    /// One thing to do.
    struct Entry: Sendable {
        var when: Int64
        var number: Int64
        var task: DriverNote

        func precedes(_ other: Entry) -> Bool {
            when == other.when ? number < other.number : when < other.when
        }
    }

    private var entries: [Entry] = []
    private var noted: Int64 = 0

    init() { entries.reserveCapacity(1_024) }

    /// When the first is due; `distantFuture` = there is none.
    var earliest: Instant {
        entries.isEmpty ? .distantFuture : Instant(nanoseconds: entries[0].when)
    }

    var isEmpty: Bool { entries.isEmpty }

    mutating func note(_ task: DriverNote, at when: Instant) {
        noted += 1
        let entry = Entry(when: when.nanoseconds, number: noted, task: task)
        entries.append(entry)
        var place = entries.count - 1
        while place > 0 {
            let parent = (place - 1) >> 2
            guard entry.precedes(entries[parent]) else { break }
            entries[place] = entries[parent]
            place = parent
        }
        entries[place] = entry
    }

    mutating func removeFirst() -> DriverNote {
        let task = entries[0].task
        let last = entries.removeLast()
        guard !entries.isEmpty else { return task }
        var place = 0
        while case let child = (place << 2) + 1, child < entries.count {
            var least = child
            for other in child + 1..<max(child + 1, min(child + 4, entries.count))
            where entries[other].precedes(entries[least]) { least = other }
            guard entries[least].precedes(last) else { break }
            entries[place] = entries[least]
            place = least
        }
        entries[place] = last
        return task
    }
}

/// What a driver has to do later; the numbers are places in its tables.
enum DriverNote: Sendable {
    /// Answer a question for a plan.
    case plan(Int32)
    /// Report a rollout step.
    case step(Int32)
    /// An instance is loaded, or could not be.
    case ready(Int32)
    /// An instance has ended.
    case gone(Int32)
    /// See whether an instance that is to end still has a batch.
    case look(Int32)
    /// A launch reaches its lane thread.
    case begin(BatchID)
    /// A lane thread came too late to begin a batch.
    case refuse(BatchID)
    /// A batch ends without results.
    case fail(BatchID)
    /// A fault begins, or ends.
    case fault(Int32, begins: Bool)
    /// A client of a closed loop sends again.
    case again(Int32)
    /// The warm-up is over.
    case warm
    /// The load is over.
    case loadOver
}
