import ServingDomain

/// The low batches that run on cores which high work may take from them.
///
/// The kernel knows two sorts of them, those that overtake and the rest. One that overtakes is to
/// go before those that are due after it, but not before those that are due before it: these
/// become of its sort.
struct LowRuns {
    private struct Run {
        var instance: InstanceID
        var cores: [Int32]
        var due: Instant
    }

    /// As many as run, so a handful.
    private var runs: [Run] = []

    /// A batch of an instance begins on some of `cores`.
    mutating func begins(_ instance: InstanceID, on cores: [Int32], due: Instant) {
        runs.append(Run(instance: instance, cores: cores, due: due))
    }

    /// The batch of an instance has ended, if it had one here.
    mutating func ends(_ instance: InstanceID) {
        guard let place = runs.firstIndex(where: { $0.instance == instance }) else { return }
        runs.swapAt(place, runs.count - 1)
        runs.removeLast()
    }

    /// The instances whose batches are due no later than `due` and may want one of `cores`.
    func instances(dueBy due: Instant, on cores: [Int32]) -> [InstanceID] {
        runs.compactMap { run in
            run.due <= due && run.cores.contains(where: cores.contains) ? run.instance : nil
        }
    }
}
